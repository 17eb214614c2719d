package dev.sextant.bench.libtorch;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * libtorch with a number of threads, its arrays and its scripts. Autograd is on.
 *
 * <p>Arrays belong to the innermost {@link Scope} open when they were made, else to this object,
 * and are freed with it. Confined to the thread that opened it: libtorch's gradient mode is a
 * property of the thread. Every instance in a process shares libtorch's thread count.
 *
 * <pre>{@code
 * try (Libtorch torch = Libtorch.open(2, Layout.CHANNELS_LAST);
 *     Libtorch.Scope _ = torch.scope()) {
 *   NDArray x = torch.load(TensorRole.IMAGE, values, Shape.of(8, 32, 32, 96));
 *   x.setRequiresGradient(true);
 *   NDArray y = torch.evaluate("x", "torch.hardtanh(x, 0., 6.)", x);
 *   NDArray dx = torch.gradients(List.of(y), List.of(x), List.of(dy)).getFirst();
 *   float[] result = torch.read(TensorRole.IMAGE, dx);
 * }
 * }</pre>
 */
public final class Libtorch implements AutoCloseable {
  private final PtNDManager manager;
  private final Layout layout;
  private final Precision precision;
  private final Map<String, Script> scripts = new HashMap<>();
  private NDManager innermost;

  private Libtorch(PtNDManager manager, Layout layout, Precision precision) {
    this.manager = manager;
    this.layout = layout;
    this.precision = precision;
    innermost = manager;
  }

  /** {@return why libtorch cannot be used here, in a sentence; empty where it can} */
  public static Optional<String> missing() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String processor = System.getProperty("os.arch", "");
    if (system.equals("linux") && processor.equals("amd64")) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "no libtorch for %s on %s: the build has the one for linux on amd64",
            system,
            processor));
  }

  /**
   * {@link #open(int, Layout, Precision)} in single precision.
   *
   * @param threads workers of libtorch
   * @param layout how images and kernels lie in memory
   * @return libtorch, to be closed on this thread
   */
  public static Libtorch open(int threads, Layout layout) {
    return open(threads, layout, Precision.SINGLE);
  }

  /**
   * Starts libtorch on this thread. Nothing is downloaded: the library comes from the class path,
   * unpacked once into DJL's cache.
   *
   * @param threads workers of libtorch
   * @param layout how images and kernels lie in memory
   * @param precision of the arrays that it makes
   * @return libtorch, to be closed on this thread
   * @throws SextantException where it cannot be used, as {@link #missing} says
   */
  public static Libtorch open(int threads, Layout layout, Precision precision) {
    missing()
        .ifPresent(
            reason -> {
              throw new SextantException(reason);
            });
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    // Read once, when the library is loaded. Nothing here forks inside a script.
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
    PtNDManager manager = (PtNDManager) Engine.getEngine("PyTorch").newBaseManager();
    JniUtils.setNumThreads(threads);
    JniUtils.setGradMode(true);
    // Each operator as eager PyTorch runs it; the optimizer would only add profiling passes.
    JniUtils.setGraphExecutorOptimize(false);
    return new Libtorch(manager, layout, precision);
  }

  /** {@return how images and kernels lie in memory} */
  public Layout layout() {
    return layout;
  }

  /**
   * Arrays made from now on are freed when the scope closes; the innermost closes first.
   *
   * @return the innermost scope from now on
   */
  public Scope scope() {
    return new Scope();
  }

  /** See {@link Libtorch#scope()}. */
  public final class Scope implements AutoCloseable {
    private final NDManager outer = innermost;
    private final NDManager own = manager.newSubManager();

    private Scope() {
      innermost = own;
    }

    @Override
    public void close() {
      innermost = outer;
      own.close();
    }
  }

  /** Makes an array live as long as the innermost scope. */
  void adopt(NDArray array) {
    array.attach(innermost);
  }

  /**
   * {@return a copy, in libtorch, of values that have that shape in this engine}
   *
   * @param kind which decides the order of its dimensions
   * @param values in this engine's order
   * @param shape in this engine's order
   */
  public NDArray load(TensorRole kind, float[] values, Shape shape) {
    long[] extents = new long[shape.rank()];
    Arrays.setAll(extents, shape::get);
    try (NDArray source = manager.create(values, new ai.djl.ndarray.types.Shape(extents))) {
      return evaluate("x", precision.cast(kind.toTorch(layout)), source);
    }
  }

  /**
   * {@return a copy, in libtorch, of a tensor on the heap}
   *
   * @param kind which decides the order of its dimensions
   * @param tensor on the heap, in this engine's order
   */
  public NDArray load(TensorRole kind, Tensor tensor) {
    return load(kind, tensor.toArray(), tensor.shape());
  }

  /**
   * {@return class labels {@code [N]} on the heap, as libtorch wants them: 64-bit integers}
   *
   * @param labels integers {@code [N]}
   */
  public NDArray labels(Tensor labels) {
    long[] values = new long[labels.size()];
    Arrays.setAll(values, i -> labels.ints()[labels.offset() + i]);
    NDArray array = manager.create(values);
    adopt(array);
    return array;
  }

  /**
   * {@return the values of an array in this engine's order}
   *
   * @param kind which decides the order of its dimensions
   * @param array in libtorch's order
   */
  public float[] read(TensorRole kind, NDArray array) {
    try (NDArray ordered = evaluate("x", Precision.SINGLE.cast(kind.fromTorch()), array)) {
      return ordered.toFloatArray();
    }
  }

  /**
   * {@return a function compiled once for each source and kept}
   *
   * @param parameters names separated by blanks, one for each argument
   * @param body TorchScript as {@code torch.jit.save} writes it: operators as functions, as in
   *     {@code torch.add(x, y)}; ends with {@code return} and a list of tensors
   * @throws SextantException if libtorch does not compile it
   */
  public Script script(String parameters, String body) {
    StringBuilder source = new StringBuilder();
    String[] names = parameters.isBlank() ? new String[0] : parameters.split(" ");
    for (int i = 0; i < names.length; i++) {
      source.append(String.format(Locale.ROOT, "%s = t[%d]%n", names[i], i));
    }
    return scripts.computeIfAbsent(
        source.append(body).toString(), text -> new Script(this, manager, text));
  }

  /**
   * {@return the value of a TorchScript expression}
   *
   * @param parameters as in {@link #script}
   * @param expression TorchScript
   * @param arguments one for each parameter
   */
  public NDArray evaluate(String parameters, String expression, NDArray... arguments) {
    return script(parameters, "return [" + expression + "]").apply(arguments);
  }

  /**
   * Gradients of outputs with respect to inputs that required gradients when the outputs were
   * computed. Frees what autograd kept for the outputs.
   *
   * @param outputs computed from the inputs
   * @param inputs which require gradients
   * @param outputGradients one for each output, of its shape
   * @return one for each input; zeros where no output depends on it
   */
  public List<NDArray> gradients(
      List<NDArray> outputs, List<NDArray> inputs, List<NDArray> outputGradients) {
    List<String> names = new ArrayList<>();
    String of = group(names, "y", outputs.size());
    String by = group(names, "x", inputs.size());
    String seeds = group(names, "d", outputGradients.size());
    Script script =
        script(String.join(" ", names), gradientCode(of, by, seeds) + "return gradients");
    List<NDArray> arguments = new ArrayList<>(outputs);
    arguments.addAll(inputs);
    arguments.addAll(outputGradients);
    return script.call(arguments);
  }

  private static String group(List<String> names, String prefix, int count) {
    List<String> group = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      group.add(prefix + i);
    }
    names.addAll(group);
    return String.join(", ", group);
  }

  /**
   * Statements that set {@code gradients} to those of scalars or, with seeds, of any outputs.
   *
   * @param outputs variables separated by commas, as are the others
   * @param seeds the outputs' gradients; empty for scalars
   */
  static String gradientCode(String outputs, String inputs, String seeds) {
    return String.format(
        Locale.ROOT,
        """
        wanted = [%s]
        seeds = annotate(Optional[List[Optional[Tensor]]], %s)
        found = torch.grad([%s], wanted, seeds, None, False, True)
        gradients = annotate(List[Tensor], [])
        for i in range(torch.len(wanted)):
          one = found[i]
          if torch.__is__(one, None):
            gradient = torch.zeros_like(wanted[i])
          else:
            gradient = unchecked_cast(Tensor, one)
          _ = torch.append(gradients, gradient)
        """,
        inputs,
        seeds.isEmpty() ? "None" : "annotate(List[Optional[Tensor]], [" + seeds + "])",
        outputs);
  }

  /** Frees every array and script. Idempotent. */
  @Override
  public void close() {
    scripts.clear();
    manager.close();
  }
}
