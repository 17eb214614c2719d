package dev.sextant.kernels.emulator;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A device without hardware: kernels are interpreted from their PTX with every access checked;
 * matrix products and dense convolutions, which belong to cuBLAS and cuDNN, are computed by the
 * reference backend.
 *
 * <p>What is queued on the compute stream is done at once; transfers are done as late as the marks
 * allow, so that a wait that is missing is seen in the results.
 */
public final class EmulatedDriver implements Driver {
  private final DeviceMemory memory;
  private final Faults faults;
  private final Backend libraries = Backend.reference();
  private final Deque<Runnable> transfers = new ArrayDeque<>();
  private final Set<String> loaded = new TreeSet<>();
  private @Nullable List<Runnable> recording;
  private int launches;
  private int transferred;

  /** A device with that many bytes of memory. */
  public EmulatedDriver(long bytes) {
    this(bytes, new Faults());
  }

  /** A device that fails as it is told to. */
  public EmulatedDriver(long bytes, Faults faults) {
    this(new DeviceMemory(bytes), faults);
  }

  /** Another driver of a device: what one of them allocates the others may use. */
  EmulatedDriver(DeviceMemory memory, Faults faults) {
    this.memory = memory;
    this.faults = faults;
  }

  /** Names of the kernels loaded so far. */
  public Set<String> loaded() {
    return loaded;
  }

  /** How many transfers ran on their own stream. */
  public int transferred() {
    return transferred;
  }

  /** Does something now, or records it. */
  private void queue(Runnable work) {
    faults.check();
    if (recording != null) {
      recording.add(work);
    } else {
      work.run();
    }
  }

  /** For what a recording cannot hold. */
  private void notRecorded(String what) {
    faults.check();
    if (recording != null) {
      throw new EmulationException("while recording a graph: " + what);
    }
  }

  @Override
  public DeviceProperties properties() {
    return new DeviceProperties("emulated", 70, 4, 1L << 30, null);
  }

  /** How many kernels were launched. */
  public int launches() {
    return launches;
  }

  /** How many blocks of memory are allocated. */
  public int blocks() {
    return memory.blocks();
  }

  @Override
  public long allocate(long bytes) {
    notRecorded("memory asked for");
    return memory.allocate(bytes);
  }

  @Override
  public void free(long address) {
    if (faults.lost()) {
      return;
    }
    notRecorded("memory given back");
    memory.free(address);
  }

  @Override
  public void zero(long address, long bytes) {
    queue(
        () -> {
          DeviceMemory.Block block = memory.of(address, bytes);
          int word = (int) ((address - block.address) / 4);
          for (int i = 0; i < bytes / 4; i++) {
            block.words.put(word + i, 0);
          }
        });
  }

  @Override
  public void upload(float[] from, int offset, int count, long to) {
    notRecorded("an upload");
    DeviceMemory.Block block = memory.of(to, 4L * count);
    int word = (int) ((to - block.address) / 4);
    for (int i = 0; i < count; i++) {
      block.words.put(word + i, Float.floatToRawIntBits(from[offset + i]));
    }
  }

  @Override
  public void upload(int[] from, int offset, int count, long to) {
    notRecorded("an upload");
    DeviceMemory.Block block = memory.of(to, 4L * count);
    block.words.put((int) ((to - block.address) / 4), from, offset, count);
  }

  @Override
  public void download(long from, float[] to, int offset, int count) {
    notRecorded("a download");
    DeviceMemory.Block block = memory.of(from, 4L * count);
    int word = (int) ((from - block.address) / 4);
    for (int i = 0; i < count; i++) {
      to[offset + i] = Float.intBitsToFloat(block.words.get(word + i));
    }
  }

  @Override
  public void copy(long from, long to, long bytes) {
    queue(
        () -> {
          DeviceMemory.Block source = memory.of(from, bytes);
          DeviceMemory.Block target = memory.of(to, bytes);
          target.words.put(
              (int) ((to - target.address) / 4),
              source.words,
              (int) ((from - source.address) / 4),
              Math.toIntExact(bytes / 4));
        });
  }

  @Override
  public void synchronize() {
    notRecorded("a wait for the stream");
  }

  /** Whether the transfer stream has come to it; one that is not recorded counts as reached. */
  private static final class Reached implements Mark {
    boolean reached = true;
  }

  @Override
  public ByteBuffer pinned(int bytes) {
    return ByteBuffer.allocateDirect(bytes);
  }

  @Override
  public Mark mark() {
    return new Reached();
  }

  @Override
  public void record(Mark mark, Stream stream) {
    faults.check();
    Reached point = (Reached) mark;
    if (stream == Stream.TRANSFER) {
      point.reached = false;
      transfers.add(() -> point.reached = true);
    } else {
      point.reached = true;
    }
  }

  @Override
  public void await(Stream stream, Mark mark) {
    faults.check();
    if (stream == Stream.COMPUTE) {
      await(mark);
    }
  }

  @Override
  public void await(Mark mark) {
    while (!((Reached) mark).reached) {
      transfers.remove().run();
    }
  }

  @Override
  public void transfer(ByteBuffer pinned, int bytes, long to) {
    faults.check();
    transfers.add(
        () -> {
          DeviceMemory.Block block = memory.of(to, bytes);
          int word = (int) ((to - block.address) / 4);
          block.words.put(word, pinned.asIntBuffer(), 0, bytes / 4);
          transferred++;
        });
  }

  @Override
  public double milliseconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) * 1e-6;
  }

  @Override
  public void beginCapture() {
    notRecorded("a recording begun");
    recording = new ArrayList<>();
  }

  @Override
  public Graph endCapture() {
    List<Runnable> work = recording;
    if (work == null) {
      throw new EmulationException("no recording to end");
    }
    recording = null;
    return new Graph() {
      private boolean closed;

      @Override
      public void launch() {
        if (closed) {
          throw new EmulationException("a graph launched after it was closed");
        }
        queue(() -> work.forEach(Runnable::run));
      }

      @Override
      public void close() {
        closed = true;
      }
    };
  }

  private record Loaded(Program program, List<Warp> warps) implements Function {}

  @Override
  public Function load(Kernel kernel, ByteBuffer parameters) {
    notRecorded("a kernel loaded");
    faults.checkKernel(kernel);
    loaded.add(kernel.name());
    return new Loaded(ProgramParser.parse(kernel), new ArrayList<>());
  }

  @Override
  public void launch(Launch launch) {
    if (recording == null) {
      queue(() -> run(launch));
    } else {
      Launch kept = launch.snapshot();
      queue(() -> run(kept));
    }
  }

  private void run(Launch launch) {
    faults.checkLaunch(launch.kernel());
    Loaded function = (Loaded) launch.function();
    launches++;
    new Execution(Invocation.of(launch, memory), function.program, function.warps, memory.launch())
        .run();
  }

  @Override
  public void gemm(
      Matrix a,
      boolean transposeA,
      Matrix b,
      boolean transposeB,
      Matrix c,
      int inner,
      boolean accumulate) {
    queue(
        () -> {
          try (Memory.Scope _ = libraries.memory().scope()) {
            Tensor product = fetch(c.address(), c.rows(), c.columns());
            libraries
                .gemm()
                .multiply(
                    fetch(a.address(), a.rows(), a.columns()),
                    transposeA,
                    fetch(b.address(), b.rows(), b.columns()),
                    transposeB,
                    product,
                    accumulate);
            store(product, c.address());
          }
        });
  }

  @Override
  public String libraryVersions() {
    return "none";
  }

  /** Some scratch, as much for a shape each time: the filters' bytes, all of them written. */
  @Override
  public long convolutionWorkspace(Convolution shape, Direction direction) {
    return direction == Direction.BACKWARD_DATA
        ? 0
        : 4L * shape.kernel() * shape.kernel() * shape.inputs() * shape.outputs();
  }

  @Override
  public void convolution(
      Convolution shape, Direction direction, long a, long b, long out, long workspace) {
    queue(
        () -> {
          long bytes = convolutionWorkspace(shape, direction);
          if (bytes > 0) {
            zero(workspace, bytes);
          }
          try (Memory.Scope _ = libraries.memory().scope()) {
            convolve(shape, direction, a, b, out);
          }
        });
  }

  private void convolve(Convolution shape, Direction direction, long a, long b, long out) {
    switch (direction) {
      case FORWARD -> {
        Tensor result = fetch(out, output(shape));
        libraries
            .convolution()
            .forward(
                fetch(a, input(shape)),
                kernel(fetch(b, filters(shape))),
                window(shape),
                null,
                Activation.IDENTITY,
                null,
                result);
        store(result, out);
      }
      case BACKWARD_DATA -> {
        Tensor result = fetch(out, input(shape));
        libraries
            .convolution()
            .backwardData(
                fetch(a, output(shape)), kernel(fetch(b, filters(shape))), window(shape), result);
        store(result, out);
      }
      case BACKWARD_FILTER -> {
        Tensor result = kernel(fetch(out, filters(shape)));
        libraries
            .convolution()
            .backwardFilter(fetch(a, input(shape)), fetch(b, output(shape)), window(shape), result);
        store(filters(result), out);
      }
    }
  }

  private static Window window(Convolution shape) {
    return new Window(shape.kernel(), shape.stride(), shape.padding(), shape.dilation());
  }

  private static int[] input(Convolution s) {
    return new int[] {s.batch(), s.height(), s.width(), s.inputs()};
  }

  private static int[] output(Convolution s) {
    return new int[] {s.batch(), s.outHeight(), s.outWidth(), s.outputs()};
  }

  private static int[] filters(Convolution s) {
    return new int[] {s.outputs(), s.kernel(), s.kernel(), s.inputs()};
  }

  /** Filters {@code [Cout, k, k, Cin]} as a kernel {@code [k, k, Cin, Cout]}. */
  private Tensor kernel(Tensor filters) {
    Shape s = filters.shape();
    return transposed(filters, s.get(0), Shape.of(s.get(1), s.get(2), s.get(3), s.get(0)));
  }

  /** A kernel {@code [k, k, Cin, Cout]} as filters {@code [Cout, k, k, Cin]}. */
  private Tensor filters(Tensor kernel) {
    Shape s = kernel.shape();
    Shape filters = Shape.of(s.get(3), s.get(0), s.get(1), s.get(2));
    return transposed(kernel, s.rows(), filters);
  }

  private Tensor transposed(Tensor matrix, int rows, Shape shape) {
    Tensor result = libraries.memory().floats(shape, Memory.Category.WORKSPACE, "transposed");
    int columns = rows == 0 ? 0 : matrix.size() / rows;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        result.floats()[result.offset() + column * rows + row] =
            matrix.floats()[matrix.offset() + row * columns + column];
      }
    }
    return result;
  }

  private Tensor fetch(long address, int... extents) {
    Tensor tensor =
        libraries.memory().floats(Shape.of(extents), Memory.Category.WORKSPACE, "operand");
    download(address, tensor.floats(), tensor.offset(), tensor.size());
    return tensor;
  }

  private void store(Tensor tensor, long address) {
    upload(tensor.floats(), tensor.offset(), tensor.size(), address);
  }

  @Override
  public void close() {
    libraries.close();
  }
}
