package dev.sextant.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.nn.Module;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.lang.reflect.Modifier;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * libtorch in double, this engine's CPU backends beside it, and a count of what was compared: one
 * for all parity tests of a run, which ends with a line that says how far apart they came.
 *
 * <p>A test class gets it by {@code @ExtendWith(Parity.Extension.class)} and a parameter; where
 * there is no libtorch for the machine the class is skipped and says so.
 */
final class Parity implements AutoCloseable {
  /** Largest difference allowed, as a share of the tensor's largest element. */
  static final double TOLERANCE = 1e-4;

  /**
   * A tensor that is small beside the others of its pass is compared with this share of the largest
   * of them: a gradient that is 0 but for cancelled terms is rounding noise in float.
   */
  private static final double FLOOR = 1e-3;

  private static final double NUDGE = 1e-5;
  private static final int NUDGES = 2;
  private static final double STEADY = 1e-3;
  private static final int SEEDS = 20;

  /** Inputs larger than this are left to the vector kernels: the reference's loops are slow. */
  private static final int REFERENCE_LIMIT = 5000;

  /** Epsilon of batch norms, exactly as this engine has it. */
  static final float EPSILON = 1e-3f;

  private static final String REFERENCE = "reference";

  private final Libtorch torch = Libtorch.open(1, Layout.CHANNELS_FIRST, Precision.DOUBLE);
  private final SequencedMap<String, Backend> backends = new LinkedHashMap<>();
  private int comparisons;
  private double worst;
  private String where = "nothing";

  private Parity() {
    backends.put(REFERENCE, Backend.reference());
    backends.put("cpu(1)", Backend.cpu(1));
    backends.put("cpu(2)", Backend.cpu(2));
  }

  /** Brings it to tests. */
  static final class Extension implements ExecutionCondition, ParameterResolver {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return Libtorch.missing()
          .map(ConditionEvaluationResult::disabled)
          .orElseGet(() -> ConditionEvaluationResult.enabled("libtorch is here"));
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == Parity.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(ExtensionContext.Namespace.create(Parity.class))
          .getOrComputeIfAbsent(Parity.class, key -> new Parity(), Parity.class);
    }
  }

  /** The oracle. */
  Libtorch torch() {
    return torch;
  }

  /** Vector kernels with that many threads. */
  Backend cpu(int threads) {
    Backend backend = backends.get("cpu(%d)".formatted(threads));
    if (backend == null) {
      throw new IllegalArgumentException("no backend with " + threads + " threads");
    }
    return backend;
  }

  /** The oracle's tensors by name, on inputs of a seed that {@link #nudge} moves. */
  interface Question {
    /** Answers it; {@code nudge} is 0 for inputs as they are, else the seed of their move. */
    SequencedMap<String, float[]> answer(long seed, int nudge);
  }

  /** A seed and what the oracle says for it. */
  record Answer(long seed, SequencedMap<String, float[]> tensors) {}

  /**
   * The oracle's answer on the first seed for which it is steady: inputs that move by {@link
   * #NUDGE} move no gradient by more than {@link #STEADY}. Else some value lies so near to the kink
   * of an activation that float finds it on one side and double on the other, and gradients differ
   * by all of it though both are right.
   *
   * @param kinks whether there are any; without them the first seed will do
   */
  Answer steady(String what, boolean kinks, Question question) {
    int nudges = kinks ? NUDGES : 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      SequencedMap<String, float[]> tensors = question.answer(seed, 0);
      boolean steady = true;
      for (int nudge = 1; nudge <= nudges && steady; nudge++) {
        SequencedMap<String, float[]> moved = question.answer(seed, nudge);
        double floor = floor(tensors);
        for (Map.Entry<String, float[]> entry : tensors.entrySet()) {
          float[] other = moved.getOrDefault(entry.getKey(), new float[0]);
          steady &= Difference.of(entry.getValue(), other, floor).share <= STEADY;
        }
      }
      if (steady) {
        return new Answer(seed, tensors);
      }
    }
    return fail(what + ": the oracle is steady for no seed");
  }

  /** Values moved a little, as {@link Question#answer} asks. */
  static float[] nudge(float[] values, int nudge) {
    if (nudge == 0) {
      return values;
    }
    float[] moved = uniform(-nudge, values.length, -NUDGE, NUDGE);
    for (int i = 0; i < moved.length; i++) {
      moved[i] += values[i];
    }
    return moved;
  }

  /**
   * Compares every backend's tensors, by name, with the oracle's, and that it freed the rest.
   *
   * @param elements of the input
   */
  void checkAll(
      String what,
      int elements,
      Map<String, float[]> expected,
      Function<Backend, ? extends Map<String, float[]>> ours) {
    backends.forEach(
        (name, backend) -> {
          if (elements > REFERENCE_LIMIT && name.equals(REFERENCE)) {
            return;
          }
          check(name + ": " + what, expected, ours.apply(backend));
          assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
        });
  }

  /** Compares tensors by name: the same names, and values within {@link #TOLERANCE}. */
  void check(String what, Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(new TreeSet<>(expected.keySet()), new TreeSet<>(found.keySet()), what);
    double floor = floor(expected);
    expected.forEach(
        (name, values) -> {
          float[] others = found.get(name);
          check(what + ", " + name, values, others == null ? new float[0] : others, floor);
        });
  }

  private static double floor(Map<String, float[]> tensors) {
    double largest = Double.MIN_NORMAL;
    for (float[] values : tensors.values()) {
      for (float value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
    }
    return FLOOR * largest;
  }

  private void check(String what, float[] expected, float[] found, double floor) {
    assertEquals(expected.length, found.length, what);
    Difference difference = Difference.of(expected, found, floor);
    double largest = difference.share;
    int at = difference.at;
    comparisons++;
    if (!(largest <= worst)) {
      worst = largest;
      where = what;
    }
    if (!(largest <= TOLERANCE)) {
      fail(
          "%s[%d]: libtorch has %s, this engine %s: %.2g of the largest, %s"
              .formatted(what, at, expected[at], found[at], largest, difference.scale));
    }
  }

  /**
   * How far two tensors are apart.
   *
   * @param share the largest difference, as a share of {@code scale}
   * @param at where it is
   * @param scale the first one's largest element, or the floor
   */
  private record Difference(double share, int at, double scale) {
    static Difference of(float[] expected, float[] found, double floor) {
      double scale = floor;
      for (float value : expected) {
        scale = Math.max(scale, Math.abs(value));
      }
      int at = 0;
      double largest = 0;
      for (int i = 0; i < expected.length; i++) {
        double error = Math.abs((double) expected[i] - found[i]) / scale;
        // Not a number is the worst of all.
        if (!(error <= largest)) {
          largest = error;
          at = i;
        }
      }
      return new Difference(largest, at, scale);
    }
  }

  /** Says how far apart the two came, and frees everything. */
  @Override
  public void close() {
    System.out.printf(
        Locale.ROOT,
        "Parity with libtorch: %d tensors compared, largest relative error %.2g (%s)%n",
        comparisons,
        worst,
        where);
    backends.values().forEach(Backend::close);
    torch.close();
  }

  /** Uniform numbers of a seed. */
  static float[] uniform(long seed, int size, double low, double high) {
    Rng rng = Rng.of(seed, size);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) rng.uniform(low, high);
    }
    return values;
  }

  /** A kept tensor with these values. */
  static Tensor tensor(Backend backend, Shape shape, float... values) {
    Tensor tensor = backend.memory().keep(backend.memory().floats(shape, Category.DATA, "sample"));
    backend.upload(values, 0, tensor);
    return tensor;
  }

  /** Labels that go round the classes; the caller's or, inside a tape, the tape's. */
  static Tensor labels(Backend backend, int count, int classes) {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) {
      values[i] = i * 7 % classes;
    }
    Tensor tensor = backend.memory().ints(Shape.of(count), Category.DATA, "labels");
    backend.upload(values, 0, tensor);
    return tensor;
  }

  /**
   * Moves a fresh module's norms and biases off their special starts: blocks that begin as the
   * identity would hide what is inside them.
   *
   * @param scale of the norms' scales
   */
  static void wake(Backend backend, Module module, double scale) {
    long seed = 0;
    for (Map.Entry<String, Tensor> entry : module.state().entrySet()) {
      String path = entry.getKey();
      int size = entry.getValue().size();
      float[] values =
          switch (path.substring(path.lastIndexOf('.') + 1)) {
            case "gamma" -> uniform(++seed, size, 0.7 * scale, 1.3 * scale);
            case "beta" -> uniform(++seed, size, -0.5 * scale, 0.5 * scale);
            case "bias", "mean" -> uniform(++seed, size, -0.2, 0.2);
            case "variance" -> uniform(++seed, size, 0.5, 1.5);
            default -> array(backend, entry.getValue());
          };
      backend.upload(values, 0, entry.getValue());
    }
  }

  /** The shape that this engine gives to libtorch's array. */
  static Shape shapeHere(TensorRole kind, NDArray array) {
    long[] there = array.getShape().getShape();
    int[] order =
        kind == TensorRole.IMAGE
            ? new int[] {0, 2, 3, 1}
            : IntStream.range(0, there.length).toArray();
    return Shape.of(IntStream.of(order).map(i -> Math.toIntExact(there[i])).toArray());
  }

  /** The elements of a tensor; none of one that is missing. */
  static float[] array(Backend backend, @Nullable Tensor tensor) {
    if (tensor == null) {
      return new float[0];
    }
    float[] values = new float[tensor.size()];
    backend.download(tensor, values, 0);
    return values;
  }

  /**
   * Names of the public classes that can be made, in the package of one and of a type. Read from
   * where that one was loaded, a directory or a jar.
   */
  static Set<String> publicClasses(Class<?> one, Class<?> type) throws Exception {
    Path place = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    String folder = one.getPackageName().replace('.', '/');
    Set<String> names = new TreeSet<>();
    if (Files.isDirectory(place)) {
      collect(place.resolve(folder), one.getPackageName(), type, names);
    } else {
      try (FileSystem jar = FileSystems.newFileSystem(place)) {
        collect(jar.getPath(folder), one.getPackageName(), type, names);
      }
    }
    return names;
  }

  private static void collect(Path folder, String packageName, Class<?> type, Set<String> into)
      throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(".class") && !name.contains("$") && !name.startsWith("package-info")) {
          Class<?> found =
              Class.forName(packageName + "." + name.substring(0, name.lastIndexOf('.')));
          int modifiers = found.getModifiers();
          if (type.isAssignableFrom(found)
              && Modifier.isPublic(modifiers)
              && !Modifier.isAbstract(modifiers)) {
            into.add(found.getSimpleName());
          }
        }
      }
    }
  }
}
