package dev.sextant.kernels.driver;

import dev.sextant.kernels.ptx.Kernel;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The one seam to a CUDA binding: device memory, modules, launches, and the two libraries. JCuda
 * serves it on a machine with a GPU; an emulator serves it in tests.
 *
 * <p>Work is queued on one stream, in order; transfers to the host wait for it. Addresses are bytes
 * in device memory. Confined to one thread.
 */
public interface Driver extends AutoCloseable {
  /** What it runs on. */
  DeviceInfo info();

  // ---- memory

  /**
   * Device memory, aligned to 512 bytes at least.
   *
   * @throws OutOfMemoryError if the device has none left
   */
  long allocate(long bytes);

  /** Gives memory back, after the work queued on it. */
  void free(long address);

  /** Sets bytes to zero, a multiple of 4. */
  void zero(long address, long bytes);

  /** Copies floats to device memory. */
  void upload(float[] from, int offset, int count, long to);

  /** Copies integers to device memory. */
  void upload(int[] from, int offset, int count, long to);

  /** Copies floats from device memory, after all work queued so far. */
  void download(long from, float[] to, int offset, int count);

  /** Waits for all work queued so far. */
  void synchronize();

  // ---- kernels

  /** A kernel ready to be launched. */
  interface Function {}

  /**
   * Loads a kernel's module.
   *
   * @param parameters its parameter block, direct and in native order, read at each launch
   * @throws dev.sextant.tensor.SextantException with the compiler's log if the driver refuses it
   */
  Function load(Kernel kernel, ByteBuffer parameters);

  /** Queues a launch. */
  void launch(Launch launch);

  // ---- libraries; matrices and images are dense and row-major, addresses of floats

  /**
   * c = op(a) op(b), added to c where {@code accumulate}: c is m x n, op(a) m x k, op(b) k x n; op
   * transposes where asked.
   */
  void gemm(
      Matrix a,
      boolean transposeA,
      Matrix b,
      boolean transposeB,
      Matrix c,
      int inner,
      boolean accumulate);

  /** out = the convolution of x by w, filters {@code [Cout, k, k, Cin]}. */
  void convolution(Convolution shape, long x, long w, long out);

  /** dx = the gradient with respect to the input. */
  void convolutionBackwardData(Convolution shape, long dy, long w, long dx);

  /** dw = the gradient with respect to the filters, {@code [Cout, k, k, Cin]}. */
  void convolutionBackwardFilter(Convolution shape, long x, long dy, long dw);

  /** Gives everything back. Idempotent. */
  @Override
  void close();

  /** A matrix in device memory, its rows without gaps. */
  record Matrix(long address, int rows, int columns) {}

  /**
   * A dense convolution of images {@code [N, H, W, Cin]} to {@code [N, H', W', Cout]}.
   *
   * @param kernel taps in each direction
   */
  record Convolution(
      int batch,
      int height,
      int width,
      int inputs,
      int outHeight,
      int outWidth,
      int outputs,
      int kernel,
      int stride,
      int padding,
      int dilation) {}

  /**
   * What a driver runs on.
   *
   * @param name as the device calls itself
   * @param capability major and minor as one number, such as 90
   * @param processors streaming multiprocessors
   * @param bytes of memory
   * @param libraries versions of driver, cuBLAS and cuDNN for a reader; null if there are none
   */
  record DeviceInfo(
      String name, int capability, int processors, long bytes, @Nullable String libraries) {}
}
