package dev.sextant.runtime;

import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A trained network ready to answer requests: batch norm folded into the convolutions, activations
 * and residuals fused into the kernels, every buffer planned once.
 *
 * <pre>{@code
 * try (CompiledModel model = CompiledModel.compile(architecture, Weights.read(path))) {
 *   model.warmUp();
 *   int label = model.classify(pixels);
 * }
 * }</pre>
 *
 * <p>A run takes no memory of its own; what its kernels take in the steady state is the backend's
 * matter (on the CPU, a few handles of less than 100 bytes). An instance serves one thread at a
 * time; {@link #fork} makes another for each further request thread, sharing the weights. An
 * instance that is used by two threads at once throws instead of mixing their images.
 */
public final class CompiledModel implements AutoCloseable {
  /** Metadata: what is subtracted from pixel / 255, one number per channel, comma separated. */
  public static final String MEAN = "mean";

  /** Metadata: what (pixel / 255 - mean) is divided by, one number per channel. */
  public static final String DEVIATION = "deviation";

  private static final int LISTED = 5;

  private final Architecture architecture;
  private final Program program;
  private final BufferPlan plan;
  private final SharedWeights weights;
  private final PixelScale pixelScale;
  private final Device device;
  private final int threads;
  private final int batch;
  private final Execution execution;
  private final AtomicBoolean busy = new AtomicBoolean();
  private float @Nullable [] staging;
  private float @Nullable [] scores;
  private boolean closed;

  private CompiledModel(
      Architecture architecture,
      Program program,
      BufferPlan plan,
      SharedWeights weights,
      PixelScale pixelScale,
      Device device,
      int threads,
      int batch) {
    this.architecture = architecture;
    this.program = program;
    this.plan = plan;
    this.weights = weights;
    this.pixelScale = pixelScale;
    this.device = device;
    this.threads = threads;
    this.batch = batch;
    execution = new Execution(program, plan, weights, device, threads);
  }

  /**
   * Compiles for one image at a time on one thread of the CPU.
   *
   * @param architecture the network
   * @param weights exactly the tensors of {@link WeightNames#of}
   * @return a model that the caller closes
   */
  public static CompiledModel compile(Architecture architecture, Weights weights) {
    return compile(architecture, weights, Device.CPU, 1, 1);
  }

  /**
   * Compiles a network.
   *
   * @param architecture the network
   * @param weights exactly the tensors of {@link WeightNames#of}; metadata may hold {@link #MEAN}
   *     and {@link #DEVIATION}
   * @param device where to run
   * @param threads workers that share each kernel, at least 1
   * @param batch images of one run, at least 1
   * @return a model that the caller closes
   * @throws SextantException if the weights say that they are of another architecture; or naming
   *     the tensors that are missing, superfluous, of another shape, not finite or (a variance)
   *     negative
   */
  public static CompiledModel compile(
      Architecture architecture, Weights weights, Device device, int threads, int batch) {
    if (batch < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "model: batch %d is not at least 1", batch));
    }
    check(architecture, weights);
    PixelScale pixelScale = PixelScale.of(architecture, weights.metadata());
    ProgramBuilder builder = ProgramBuilder.network(architecture, weights, batch);
    Program program = builder.program();
    return new CompiledModel(
        architecture,
        program,
        BufferPlan.reusing(program),
        new SharedWeights(device, builder.parameters()),
        pixelScale,
        device,
        threads,
        batch);
  }

  private static void check(Architecture architecture, Weights weights) {
    String of = weights.metadata().get(Weights.ARCHITECTURE);
    if (of != null && !of.equals(architecture.sha256())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: the weights were trained in another architecture (SHA-256 %s, this is %s)",
              architecture.name(),
              of,
              architecture.sha256()));
    }
    SequencedMap<String, Shape> expected = WeightNames.of(architecture);
    List<String> missing = new ArrayList<>();
    for (Map.Entry<String, Shape> tensor : expected.entrySet()) {
      Weights.Entry entry = weights.entries().get(tensor.getKey());
      if (entry == null) {
        missing.add(tensor.getKey());
      } else if (!entry.shape().equals(tensor.getValue())) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: weights '%s' must be %s (it is %s)",
                architecture.name(),
                tensor.getKey(),
                tensor.getValue(),
                entry.shape()));
      } else {
        checkFinite(architecture, tensor.getKey(), entry.values());
      }
    }
    refuse(architecture, "lack", missing);
    List<String> superfluous = new ArrayList<>(weights.entries().keySet());
    superfluous.removeAll(expected.keySet());
    refuse(architecture, "have, beyond what the network takes,", superfluous);
  }

  private static void refuse(Architecture architecture, String verb, List<String> names) {
    if (!names.isEmpty()) {
      String listed = String.join(", ", names.subList(0, Math.min(LISTED, names.size())));
      String more =
          names.size() > LISTED
              ? String.format(Locale.ROOT, " and %d more", names.size() - LISTED)
              : "";
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: the weights %s %s%s", architecture.name(), verb, listed, more));
    }
  }

  private static void checkFinite(Architecture architecture, String name, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: weights '%s' hold %s at %d",
                architecture.name(),
                name,
                values[i],
                i));
      }
    }
  }

  /**
   * Another instance for another thread, with the same weights, thread count and batch, and its own
   * buffers. Close each; the weights live until the last is closed. Safe to call while this
   * instance runs.
   *
   * @return a model that the caller closes
   * @throws SextantException if every instance that shares the weights is closed
   */
  public CompiledModel fork() {
    return new CompiledModel(
        architecture, program, plan, weights, pixelScale, device, threads, batch);
  }

  /** {@return the network} */
  public Architecture architecture() {
    return architecture;
  }

  /** {@return the images of one run} */
  public int batch() {
    return batch;
  }

  /** {@return the workers that share each kernel} */
  public int threads() {
    return threads;
  }

  /** {@return the bytes of this instance's buffers: the most that is live at once} */
  public long activationBytes() {
    return execution.bytes();
  }

  /** {@return the bytes of the folded weights, shared by all forks} */
  public long weightBytes() {
    return weights.bytes();
  }

  /**
   * Runs the network on images that are already normalised.
   *
   * @param images {@code [batch, height, width, channels]}, row-major
   * @param logits {@code [batch, classes]}, overwritten
   * @throws SextantException if an array has another length, the model is closed, or another thread
   *     is in a run
   */
  public void run(float[] images, float[] logits) {
    length("images", images.length, inputSize());
    length("logits", logits.length, batch * architecture.classes());
    enter();
    try {
      compute(images, logits);
    } finally {
      busy.set(false);
    }
  }

  /**
   * Runs the network on pixels: each becomes (pixel / 255 - mean) / deviation of its channel, as
   * the weights' metadata has them, or pixel / 255 where it has none.
   *
   * @param pixels unsigned bytes {@code [batch, height, width, channels]}, row-major
   * @param logits {@code [batch, classes]}, overwritten
   * @throws SextantException as {@link #run} does
   */
  public void runPixels(byte[] pixels, float[] logits) {
    length("pixels", pixels.length, inputSize());
    length("logits", logits.length, batch * architecture.classes());
    enter();
    try {
      computePixels(pixels, logits);
    } finally {
      busy.set(false);
    }
  }

  /**
   * {@return the class with the largest logit (the first of equals) of one image, given as for
   * {@link #runPixels}}
   *
   * @param pixels one image
   * @throws SextantException as {@link #run} does, or if the batch is not 1
   */
  public int classify(byte[] pixels) {
    if (batch != 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "model: classify takes one image, the model is compiled for %d", batch));
    }
    length("pixels", pixels.length, inputSize());
    enter();
    try {
      float[] logits = scores;
      if (logits == null) {
        logits = new float[architecture.classes()];
        scores = logits;
      }
      computePixels(pixels, logits);
      int best = 0;
      for (int i = 1; i < logits.length; i++) {
        if (logits[i] > logits[best]) {
          best = i;
        }
      }
      return best;
    } finally {
      busy.set(false);
    }
  }

  /**
   * Runs on random images until the time of a run stabilises (the JIT compilers are done), for at
   * most three seconds. The first requests after it are as fast as the later ones.
   */
  public void warmUp() {
    float[] images = randomImages();
    float[] logits = new float[batch * architecture.classes()];
    LatencyMeter.DEFAULT.warmUp(() -> run(images, logits));
  }

  /** Images of unit variance, for measuring. */
  float[] randomImages() {
    float[] images = new float[inputSize()];
    Weights.normal(new Rng(2), 1, images);
    return images;
  }

  private int inputSize() {
    return execution.input().size();
  }

  private static void length(String what, int actual, int expected) {
    if (actual != expected) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "model: %s has %d elements, needs %d", what, actual, expected));
    }
  }

  private void enter() {
    if (!busy.compareAndSet(false, true)) {
      throw new SextantException("model: two threads run one instance; fork() one for each");
    }
    if (closed) {
      busy.set(false);
      throw new SextantException("model: is closed");
    }
  }

  private void compute(float[] images, float[] logits) {
    execution.backend().upload(images, 0, execution.input());
    execution.run();
    execution.backend().download(execution.output(), logits, 0);
  }

  private void computePixels(byte[] pixels, float[] logits) {
    float[] images = staging;
    if (images == null) {
      images = new float[inputSize()];
      staging = images;
    }
    pixelScale.apply(pixels, images);
    compute(images, logits);
  }

  /**
   * Gives this instance's buffers back, and the weights where it was the last. Idempotent.
   *
   * @throws SextantException if another thread is in a run
   */
  @Override
  public void close() {
    if (!busy.compareAndSet(false, true)) {
      throw new SextantException("model: closed while a thread runs it");
    }
    closed = true;
    execution.close();
    busy.set(false);
  }
}
