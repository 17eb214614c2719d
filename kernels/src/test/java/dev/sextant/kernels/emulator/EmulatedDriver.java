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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A device without hardware: kernels are interpreted from their PTX with every access checked;
 * matrix products and dense convolutions, which belong to cuBLAS and cuDNN, are computed by the
 * reference backend.
 */
public final class EmulatedDriver implements Driver {
  private final DeviceMemory memory;
  private final Backend libraries = Backend.reference();
  private int launches;

  /** A device with that many bytes of memory. */
  public EmulatedDriver(long bytes) {
    memory = new DeviceMemory(bytes);
  }

  @Override
  public DeviceInfo info() {
    return new DeviceInfo("emulated", 70, 4, 1L << 30, null);
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
    return memory.allocate(bytes);
  }

  @Override
  public void free(long address) {
    memory.free(address);
  }

  @Override
  public void zero(long address, long bytes) {
    DeviceMemory.Block block = memory.of(address, bytes);
    int word = (int) ((address - block.address) / 4);
    Arrays.fill(block.words, word, word + Math.toIntExact(bytes / 4), 0);
  }

  @Override
  public void upload(float[] from, int offset, int count, long to) {
    DeviceMemory.Block block = memory.of(to, 4L * count);
    int word = (int) ((to - block.address) / 4);
    for (int i = 0; i < count; i++) {
      block.words[word + i] = Float.floatToRawIntBits(from[offset + i]);
    }
  }

  @Override
  public void upload(int[] from, int offset, int count, long to) {
    DeviceMemory.Block block = memory.of(to, 4L * count);
    System.arraycopy(from, offset, block.words, (int) ((to - block.address) / 4), count);
  }

  @Override
  public void download(long from, float[] to, int offset, int count) {
    DeviceMemory.Block block = memory.of(from, 4L * count);
    int word = (int) ((from - block.address) / 4);
    for (int i = 0; i < count; i++) {
      to[offset + i] = Float.intBitsToFloat(block.words[word + i]);
    }
  }

  @Override
  public void synchronize() {}

  private record Loaded(Program program, List<Warp> warps) implements Function {}

  @Override
  public Function load(Kernel kernel, ByteBuffer parameters) {
    return new Loaded(ProgramParser.parse(kernel), new ArrayList<>());
  }

  @Override
  public void launch(Launch launch) {
    Loaded loaded = (Loaded) launch.function();
    new Execution(launch, loaded.program, loaded.warps, memory, ++launches).run();
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
    try (Memory.Scope _ = libraries.memory().scope()) {
      Tensor product = fetch(c.address(), c.rows(), c.columns());
      libraries.gemm(
          fetch(a.address(), a.rows(), a.columns()),
          transposeA,
          fetch(b.address(), b.rows(), b.columns()),
          transposeB,
          product,
          accumulate);
      store(product, c.address());
    }
  }

  @Override
  public void convolution(Convolution shape, long x, long w, long out) {
    try (Memory.Scope _ = libraries.memory().scope()) {
      Tensor result = fetch(out, output(shape));
      libraries.conv2d(
          fetch(x, input(shape)),
          kernel(fetch(w, filters(shape))),
          window(shape),
          null,
          Activation.IDENTITY,
          null,
          result);
      store(result, out);
    }
  }

  @Override
  public void convolutionBackwardData(Convolution shape, long dy, long w, long dx) {
    try (Memory.Scope _ = libraries.memory().scope()) {
      Tensor result = fetch(dx, input(shape));
      libraries.conv2dBackwardData(
          fetch(dy, output(shape)), kernel(fetch(w, filters(shape))), window(shape), result);
      store(result, dx);
    }
  }

  @Override
  public void convolutionBackwardFilter(Convolution shape, long x, long dy, long dw) {
    try (Memory.Scope _ = libraries.memory().scope()) {
      Tensor result = kernel(fetch(dw, filters(shape)));
      libraries.conv2dBackwardFilter(
          fetch(x, input(shape)), fetch(dy, output(shape)), window(shape), result);
      store(filters(result), dw);
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
