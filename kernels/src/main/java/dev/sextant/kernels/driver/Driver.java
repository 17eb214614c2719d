package dev.sextant.kernels.driver;

import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.tensor.SextantException;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The one seam to a CUDA binding: device memory, modules, launches, and the two libraries. JCuda
 * serves it on a machine with a GPU; an emulator serves it in tests.
 *
 * <p>Kernels, library calls and copies on the device are queued on one stream, in order; transfers
 * to the host wait for it. A second stream copies from page-locked memory beside it. Addresses are
 * bytes in device memory. Serves one thread at a time.
 *
 * <p>Any call may throw {@link DeviceLostException}; after that, {@link #free} and {@link #close}
 * do nothing.
 */
public interface Driver extends AutoCloseable {
  /** What it runs on. */
  DeviceProperties properties();

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

  /** Queues a copy within device memory. */
  void copy(long from, long to, long bytes);

  /** Waits for all work queued so far. */
  void synchronize();

  // ---- transfers beside the kernels

  /** The streams: kernels run on one, transfers from page-locked memory on the other. */
  enum Stream {
    /** Of kernels, libraries and everything else. */
    COMPUTE,
    /** Of {@link Driver#transfer}. */
    TRANSFER
  }

  /** A point in a stream that the other stream, or the host, can wait for. */
  interface Mark {}

  /** Page-locked host memory, in native order, until the driver closes. */
  ByteBuffer pinned(int bytes);

  /** A mark, reached as long as it is not recorded. */
  Mark mark();

  /** Puts a mark behind all that is queued on a stream. */
  void record(Mark mark, Stream stream);

  /** Makes what is queued on a stream from now on wait for a mark. */
  void await(Stream stream, Mark mark);

  /** Waits for a mark. */
  void await(Mark mark);

  /** Queues a copy of the first bytes of a page-locked buffer on the transfer stream. */
  void transfer(ByteBuffer pinned, int bytes, long to);

  /** How long the device takes for what {@code work} queues, in ms. */
  double milliseconds(Runnable work);

  // ---- graphs

  /** Work recorded once and queued as one thing. Closed before its driver. */
  interface Graph extends AutoCloseable {
    /** Queues it. */
    void launch();

    /** Frees it, after what was queued. Idempotent. */
    @Override
    void close();
  }

  /** Records, from now on, what is queued on the compute stream instead of queueing it. */
  void beginCapture();

  /**
   * Ends recording.
   *
   * @throws SextantException if something that cannot be recorded was asked for meanwhile
   */
  Graph endCapture();

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

  /** What {@link #load} throws where a kernel's text is refused. */
  static SextantException refused(Kernel kernel, String log) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "cuda: kernel %s is refused: %s; sextant ptx %s prints it",
            kernel.name(),
            log.strip(),
            kernel.name()));
  }

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

  /** What is asked of a convolution; filters are {@code [Cout, k, k, Cin]}. */
  enum Direction {
    /** The output from input and filters. */
    FORWARD,
    /** The gradient of the input from that of the output and the filters. */
    BACKWARD_DATA,
    /** The gradient of the filters from the input and the gradient of the output. */
    BACKWARD_FILTER
  }

  /** Versions of cuBLAS and cuDNN for a reader, or why one of them is missing. */
  String libraryVersions();

  /** Bytes of scratch that a convolution works in; the same for a shape each time. */
  long convolutionWorkspace(Convolution shape, Direction direction);

  /**
   * A convolution.
   *
   * @param a the first operand, as {@link Direction} lists them
   * @param b the second
   * @param out the result
   * @param workspace as many bytes as {@link #convolutionWorkspace} said
   */
  void convolution(
      Convolution shape, Direction direction, long a, long b, long out, long workspace);

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
   * @param libraries version and mode of the driver for a reader; null where it has none
   */
  record DeviceProperties(
      String name, int capability, int processors, long bytes, @Nullable String libraries) {}
}
