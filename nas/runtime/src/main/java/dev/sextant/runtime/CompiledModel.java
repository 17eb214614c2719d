package dev.sextant.runtime;

import static dev.sextant.runtime.Preprocessing.given;

import dev.sextant.runtime.event.CompileEvent;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Team;
import dev.sextant.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
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
 * <p>A run takes no memory. An instance serves one thread at a time; {@link #fork} makes another
 * for each further request thread, sharing the weights. An instance that is used by two threads at
 * once throws instead of mixing their images.
 */
public final class CompiledModel implements AutoCloseable {
  /** Metadata: what is subtracted from pixel / 255, one number per channel, comma separated. */
  public static final String MEAN = "mean";

  /** Metadata: what (pixel / 255 - mean) is divided by, one number per channel. */
  public static final String DEVIATION = "deviation";

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** In which order the numbers of an image lie. */
  public enum Order {
    /** {@code [batch, height, width, channels]}, row-major: what the kernels work on. */
    CHANNELS_LAST,
    /** {@code [batch, channels, height, width]}: one plane for each channel. */
    PLANAR
  }

  private final Architecture architecture;
  private final Program program;
  private final BufferPlan plan;
  private final SharedWeights weights;
  private final Preprocessing preprocessing;
  private final Execution.Place place;
  private final int batch;
  private final int outputs;
  private final Execution execution;

  /** Whether kernels compute on arrays, which images can be put to. */
  private final boolean onHeap;

  private final AtomicBoolean busy = new AtomicBoolean();
  private float @Nullable [] staging;
  private float @Nullable [] scores;
  private boolean closed;

  private CompiledModel(
      Architecture architecture,
      Program program,
      BufferPlan plan,
      SharedWeights weights,
      Preprocessing preprocessing,
      Execution.Place place,
      int batch) {
    this.architecture = architecture;
    this.program = program;
    this.plan = plan;
    this.weights = weights;
    this.preprocessing = preprocessing;
    this.place = place;
    this.batch = batch;
    outputs = architecture.outputs();
    execution = new Execution(program, plan, weights, place);
    onHeap = execution.input().isOnHeap();
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
   * @param weights exactly the tensors of {@link WeightNames#of}; {@link Preprocessing} in metadata
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
    Execution.Place place = new Execution.Place(given("device", device), threads);
    return compile(architecture, weights, place, batch);
  }

  /**
   * Compiles a network for the CPU, on threads that other models use too: they take turns, a run at
   * a time.
   *
   * @param architecture the network
   * @param weights exactly the tensors of {@link WeightNames#of}
   * @param team whose threads share each kernel; stays the caller's, who closes it after the model
   * @param batch images of one run, at least 1
   * @return a model that the caller closes
   * @throws SextantException as for threads of its own
   */
  public static CompiledModel compile(
      Architecture architecture, Weights weights, Team team, int batch) {
    int threads = given("team", team).threads();
    return compile(architecture, weights, new Execution.Place(Device.CPU, threads, team), batch);
  }

  private static CompiledModel compile(
      Architecture architecture, Weights weights, Execution.Place place, int batch) {
    if (batch < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "model: batch %d is not at least 1", batch));
    }
    given("architecture", architecture);
    CompileEvent event = new CompileEvent();
    event.begin();
    given("weights", weights).check(architecture);
    Preprocessing preprocessing = Preprocessing.of(architecture, weights.metadata());
    ProgramBuilder builder = ProgramBuilder.network(architecture, weights, batch);
    Program program = builder.program();
    CompiledModel model =
        new CompiledModel(
            architecture,
            program,
            BufferPlan.reusing(program),
            new SharedWeights(place.device(), place.threads(), program, builder.parameters()),
            preprocessing,
            place,
            batch);
    event.model = architecture.name();
    event.threads = place.threads();
    event.batch = batch;
    event.weights = model.weightBytes();
    event.commit();
    return model;
  }

  /**
   * Another instance for another thread, with the same weights, threads and batch, and its own
   * buffers; the weights live until the last is closed. Safe to call while this instance runs.
   *
   * @return a model that the caller closes
   * @throws SextantException if every instance that shares the weights is closed
   */
  public CompiledModel fork() {
    return new CompiledModel(architecture, program, plan, weights, preprocessing, place, batch);
  }

  /** {@return the network} */
  public Architecture architecture() {
    return architecture;
  }

  /** {@return what is to be done to an image before a run, and what a run does to its pixels} */
  public Preprocessing preprocessing() {
    return preprocessing;
  }

  /** {@return the images of one run} */
  public int batch() {
    return batch;
  }

  /** {@return the numbers that all images of a run have: batch, height, width and channels} */
  public int inputSize() {
    return execution.input().size();
  }

  /** {@return the workers that share each kernel} */
  public int threads() {
    return place.threads();
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
   * @param logits {@code [batch, classes]}, or of a network that detects {@code [batch,
   *     predictions]} ({@link Architecture#outputs}), overwritten
   * @throws SextantException if an array has another length, the model is closed, or another thread
   *     is in a run
   */
  public void run(float[] images, float[] logits) {
    length("images", given("images", images).length, inputSize());
    length("logits", given("logits", logits).length, batch * outputs);
    enter();
    try {
      execution.backend().upload(images, 0, execution.input());
      execution.run();
      execution.backend().download(execution.output(), logits, 0);
    } finally {
      busy.set(false);
    }
  }

  /**
   * Runs the network on pixels: each becomes (pixel / 255 - mean) / deviation of its channel, as
   * the weights' metadata has them ({@link #MEAN}, {@link #DEVIATION}).
   *
   * @param pixels unsigned bytes {@code [batch, height, width, channels]}, row-major
   * @param logits as {@link #run(float[], float[])} gives them, overwritten
   * @throws SextantException as {@link #run} does, or if the metadata lacks mean or deviation
   */
  public void runPixels(byte[] pixels, float[] logits) {
    length("pixels", given("pixels", pixels).length, inputSize());
    length("logits", given("logits", logits).length, batch * outputs);
    enter();
    try {
      computePixels(pixels, logits);
    } finally {
      busy.set(false);
    }
  }

  /**
   * Runs the network on images that are already normalised, as many as there are, up to the batch.
   *
   * <p>A segment is a view of an array or a buffer, and native memory: {@code
   * MemorySegment.ofArray(floats)}, {@code MemorySegment.ofBuffer(buffer)}.
   *
   * @param images floats in the machine's byte order, of one image or more
   * @param order of the floats
   * @param logits floats {@code [images, classes]}, or {@code [images, predictions]}, overwritten
   * @throws SextantException if the images are none, too many or not whole, the logits of another
   *     number, the model closed, or another thread in a run
   */
  public void run(MemorySegment images, Order order, MemorySegment logits) {
    int count = count("images", images, Float.BYTES, logits);
    given("order", order);
    enter();
    try {
      preprocessing.copy(images, count, order, input(), inputOffset());
      compute();
      output(logits, count);
    } finally {
      busy.set(false);
    }
  }

  /**
   * Runs the network on pixels, which are scaled as {@link #runPixels(byte[], float[])} says; as
   * many images as there are, up to the batch.
   *
   * @param pixels unsigned bytes of one image or more
   * @param order of the pixels
   * @param logits floats {@code [images, classes]}, or {@code [images, predictions]}, overwritten
   * @throws SextantException as {@link #run(MemorySegment, Order, MemorySegment)} does
   */
  public void runPixels(MemorySegment pixels, Order order, MemorySegment logits) {
    int count = count("pixels", pixels, 1, logits);
    given("order", order);
    enter();
    try {
      preprocessing.scale(pixels, count, order, input(), inputOffset());
      compute();
      output(logits, count);
    } finally {
      busy.set(false);
    }
  }

  /**
   * {@return the class with the largest logit (the first of equals) of one image, given as for
   * {@link #runPixels}}
   *
   * @param pixels one image
   * @throws SextantException as {@link #runPixels} does, or if the batch is not 1
   */
  public int classify(byte[] pixels) {
    if (batch != 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "model: classify takes one image, the model is compiled for %d", batch));
    }
    architecture.requireClassifier();
    length("pixels", given("pixels", pixels).length, inputSize());
    enter();
    try {
      float[] logits = scores();
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
   * Runs on random images until the JIT compilers are done: for three tenths of a second none has
   * ended a compilation, and no run was faster or allocated. Requests are then as fast as they get.
   */
  public void warmUp() {
    float[] images = randomImages();
    float[] logits = new float[batch * outputs];
    LatencyMeter.untilCompiled(() -> run(images, logits));
  }

  /** Images of unit variance, for measuring. */
  float[] randomImages() {
    float[] images = new float[inputSize()];
    Weights.normal(new Rng(2), 1, images);
    return images;
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

  /** How many images there are. */
  private int count(String what, MemorySegment images, int elementBytes, MemorySegment logits) {
    int count = preprocessing.count(what, given(what, images), elementBytes, batch);
    Preprocessing.requireOpen("logits", given("logits", logits));
    long answer = (long) count * outputs * Float.BYTES;
    if (logits.byteSize() != answer || logits.isReadOnly()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "model: logits has %d bytes%s, needs %d for %d images",
              logits.byteSize(),
              logits.isReadOnly() ? " that cannot be written" : "",
              answer,
              count));
    }
    return count;
  }

  /** Where the images go that are computed next: to the kernels' own array where there is one. */
  private float[] input() {
    if (onHeap) {
      return execution.input().floats();
    }
    float[] images = staging;
    if (images == null) {
      images = new float[inputSize()];
      staging = images;
    }
    return images;
  }

  private int inputOffset() {
    return onHeap ? execution.input().offset() : 0;
  }

  /** Runs on what was put to {@link #input}. */
  private void compute() {
    if (!onHeap) {
      execution.backend().upload(input(), 0, execution.input());
    }
    execution.run();
  }

  private void output(MemorySegment logits, int count) {
    int floats = count * outputs;
    Tensor output = execution.output();
    if (onHeap) {
      MemorySegment.copy(output.floats(), output.offset(), logits, FLOAT, 0, floats);
    } else {
      float[] all = scores();
      execution.backend().download(output, all, 0);
      MemorySegment.copy(all, 0, logits, FLOAT, 0, floats);
    }
  }

  private float[] scores() {
    float[] all = scores;
    if (all == null) {
      all = new float[batch * outputs];
      scores = all;
    }
    return all;
  }

  private void computePixels(byte[] pixels, float[] logits) {
    preprocessing.scale(pixels, input(), inputOffset());
    compute();
    execution.backend().download(execution.output(), logits, 0);
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
