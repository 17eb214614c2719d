package dev.sextant.bench.paths;

import dev.sextant.bench.libtorch.Layout;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A hot path as a benchmark: the same work on the same values in this engine or in its peer, by
 * parameter, so that the two differ in nothing else.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public abstract class HotPath {
  /** This engine's name among the values of {@link #engine}. */
  public static final String SEXTANT = "sextant";

  /** The peer of training, among the values of {@link #engine}. */
  public static final String LIBTORCH = "libtorch";

  /** The peer of inference, among the values of {@link #engine}. */
  public static final String ONNX_RUNTIME = "onnxruntime";

  /** Whose work is timed. */
  @Param({SEXTANT, LIBTORCH, ONNX_RUNTIME})
  public String engine = SEXTANT;

  /** Threads of whichever engine it is. */
  @Param("2")
  public int threads = 2;

  /** The images' layout in libtorch. */
  @Param("CHANNELS_LAST")
  public Layout layout = Layout.CHANNELS_LAST;

  /** What exactly, in words that the subclass reads: its pass and shape. */
  @Param("")
  public String spec = "";

  private @Nullable Work work;

  /** For the classes that JMH derives. */
  protected HotPath() {}

  /** The work in the engine that is asked for. */
  abstract Work work(Spec asked);

  /** Gets the work ready. */
  @Setup
  public void open() {
    Spec parsed = new Spec(spec);
    work = work(parsed);
    parsed.checkAllRead();
  }

  /** Frees what the work holds. */
  @TearDown
  public void close() {
    if (work != null) {
      work.close();
      work = null;
    }
  }

  /** {@return one step} */
  @Benchmark
  public Object step() {
    if (work == null) {
      throw new IllegalStateException("not set up");
    }
    return work.run();
  }

  /** Normally distributed values, the same for every engine. */
  static float[] values(Shape shape, long seed) {
    Rng rng = new Rng(seed);
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    return values;
  }

  /** A tensor of {@link #values}. */
  static Tensor tensor(Backend backend, Shape shape, long seed) {
    Tensor tensor = empty(backend, shape);
    backend.upload(values(shape, seed), 0, tensor);
    return tensor;
  }

  /** A tensor to write to. */
  static Tensor empty(Backend backend, Shape shape) {
    Memory memory = backend.memory();
    return memory.floats(shape, Category.ACTIVATIONS, "bench");
  }
}
