package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.natives.CudaSettings;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import it.unimi.dsi.fastutil.ints.Int2ObjectMap;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUgraph;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * A device through JCuda: its primary context, two streams, cuBLAS and cuDNN. The libraries are
 * opened when they are first needed, so that kernels run on a machine that has only a driver.
 *
 * <p>What takes long to make (the context, loaded kernels, the libraries' handles) is kept when it
 * is closed, for the next that is opened on the device: a model compiled anew starts at once.
 */
public final class JCudaDriverSeam implements Driver {
  /** What NVIDIA recommends for Hopper; older devices are content with less. */
  private static final long CUBLAS_BYTES = 32 << 20;

  private static final Int2ObjectMap<Deque<JCudaDriverSeam>> IDLE = new Int2ObjectOpenHashMap<>();

  /** The device whose context a thread has; all of a device share one, which is kept. */
  private static final ThreadLocal<Integer> CURRENT = ThreadLocal.withInitial(() -> -1);

  private final int index;
  private final CudaSettings settings;
  private final CUdevice device = new CUdevice();
  private final CUcontext context = new CUcontext();
  private final CUstream stream = new CUstream();
  private final LoadedKernels kernels = new LoadedKernels();
  private final DeviceProperties info;
  private @Nullable Transfers transfers;
  private @Nullable Cublas cublas;
  private @Nullable Cudnn cudnn;
  private boolean closed;

  /**
   * Opens a device.
   *
   * @param index from 0
   * @throws SextantException if there is none, or the driver does not work
   */
  public static Driver open(int index, CudaSettings settings) {
    synchronized (IDLE) {
      Deque<JCudaDriverSeam> idle = IDLE.get(index);
      JCudaDriverSeam kept = idle == null ? null : idle.poll();
      if (kept != null) {
        kept.closed = false;
        return kept;
      }
    }
    return new JCudaDriverSeam(index, settings);
  }

  private JCudaDriverSeam(int index, CudaSettings settings) {
    this.index = index;
    this.settings = settings;
    Status.driver("cuInit", JCudaDriver.cuInit(0));
    int[] version = new int[1];
    Status.driver("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
    settings.libraries().checkDriver(version[0]);
    int[] count = new int[1];
    Status.driver("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    if (index >= count[0]) {
      throw new SextantException(
          String.format(Locale.ROOT, "cuda: no device %d, this machine has %d", index, count[0]));
    }
    Status.driver("cuDeviceGet", JCudaDriver.cuDeviceGet(device, index));
    Status.driver(
        "cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    bind();
    // Apart from the legacy stream: a copy there by anyone in this process would wait for this
    // stream, and break what is being recorded on it.
    Status.driver(
        "cuStreamCreate",
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
    info = describe(version[0]);
    if (info.capability() < 70) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cuda: %s has compute capability %d.%d, the kernels need 7.0",
              info.name(),
              info.capability() / 10,
              info.capability() % 10));
    }
  }

  /** Makes the device that of the calling thread: not always the same one uses this. */
  private void bind() {
    if (CURRENT.get() != index) {
      Status.driver("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
      CURRENT.set(index);
    }
  }

  private DeviceProperties describe(int version) {
    byte[] name = new byte[256];
    Status.driver("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
    long[] bytes = new long[1];
    Status.driver("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device));
    int capability =
        10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    return new DeviceProperties(
        new String(name, StandardCharsets.UTF_8).replace("\0", "").strip(),
        capability,
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        bytes[0],
        String.format(
            Locale.ROOT,
            "driver for CUDA %d.%d, TF32 %s",
            version / 1000,
            version % 1000 / 10,
            settings.tf32() ? "on" : "off"));
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    Status.driver(
        "cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, attribute, device));
    return value[0];
  }

  @Override
  public DeviceProperties properties() {
    return info;
  }

  @Override
  public long allocate(long bytes) {
    bind();
    DeviceAddress address = new DeviceAddress();
    int status = JCudaDriver.cuMemAlloc(address, bytes);
    if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      throw new OutOfMemoryError(
          String.format(Locale.ROOT, "cuda: the device has no %d bytes left", bytes));
    }
    Status.driver("cuMemAlloc", status);
    return address.value();
  }

  @Override
  public void free(long address) {
    if (Status.isLost()) {
      return;
    }
    synchronize();
    Status.driver("cuMemFree", JCudaDriver.cuMemFree(new DeviceAddress(address)));
  }

  @Override
  public void zero(long address, long bytes) {
    if (bytes > 0) {
      bind();
      Status.driver(
          "cuMemsetD32Async",
          JCudaDriver.cuMemsetD32Async(new DeviceAddress(address), 0, bytes / 4, stream));
    }
  }

  @Override
  public void upload(float[] from, int offset, int count, long to) {
    transfers()
        .upload(
            stream,
            (start, length, landing) ->
                landing.asFloatBuffer().put(0, from, offset + start, length),
            count,
            to);
  }

  @Override
  public void upload(int[] from, int offset, int count, long to) {
    transfers()
        .upload(
            stream,
            (start, length, landing) -> landing.asIntBuffer().put(0, from, offset + start, length),
            count,
            to);
  }

  @Override
  public void download(long from, float[] to, int offset, int count) {
    if (count == 0) {
      synchronize();
    } else {
      transfers().download(stream, from, to, offset, count);
    }
  }

  @Override
  public void copy(long from, long to, long bytes) {
    bind();
    Status.driver(
        "cuMemcpyDtoDAsync",
        JCudaDriver.cuMemcpyDtoDAsync(
            new DeviceAddress(to), new DeviceAddress(from), bytes, stream));
  }

  @Override
  public void synchronize() {
    bind();
    Status.driver("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
  }

  private Transfers transfers() {
    bind();
    if (transfers == null) {
      transfers = new Transfers();
    }
    return transfers;
  }

  /** A stream; the context is there. */
  private CUstream stream(Stream which) {
    return which == Stream.COMPUTE ? stream : transfers().stream();
  }

  @Override
  public ByteBuffer pinned(int bytes) {
    return transfers().pinned(bytes);
  }

  @Override
  public Mark mark() {
    return transfers().mark();
  }

  @Override
  public void record(Mark mark, Stream where) {
    bind();
    Status.driver("cuEventRecord", JCudaDriver.cuEventRecord(event(mark), stream(where)));
  }

  @Override
  public void await(Stream waiting, Mark mark) {
    bind();
    Status.driver(
        "cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent(stream(waiting), event(mark), 0));
  }

  @Override
  public void await(Mark mark) {
    bind();
    Status.driver("cuEventSynchronize", JCudaDriver.cuEventSynchronize(event(mark)));
  }

  private static CUevent event(Mark mark) {
    return ((Transfers.Event) mark).event();
  }

  @Override
  public void transfer(ByteBuffer pinned, int bytes, long to) {
    transfers().copy(pinned, bytes, to);
  }

  @Override
  public double milliseconds(Runnable work) {
    CUevent start = transfers().event(CUevent_flags.CU_EVENT_DEFAULT);
    CUevent end = transfers().event(CUevent_flags.CU_EVENT_DEFAULT);
    Status.driver("cuEventRecord", JCudaDriver.cuEventRecord(start, stream));
    work.run();
    Status.driver("cuEventRecord", JCudaDriver.cuEventRecord(end, stream));
    Status.driver("cuEventSynchronize", JCudaDriver.cuEventSynchronize(end));
    float[] elapsed = new float[1];
    Status.driver("cuEventElapsedTime", JCudaDriver.cuEventElapsedTime(elapsed, start, end));
    transfers().forget(start);
    transfers().forget(end);
    return elapsed[0];
  }

  @Override
  public void beginCapture() {
    bind();
    // Relaxed: another thread's backend may ask the driver for memory meanwhile.
    Status.driver(
        "cuStreamBeginCapture",
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED));
  }

  @Override
  public Graph endCapture() {
    CUgraph graph = new CUgraph();
    Status.driver("cuStreamEndCapture", JCudaDriver.cuStreamEndCapture(stream, graph));
    return new RecordedGraph(graph, stream, this::bind);
  }

  @Override
  public Function load(Kernel kernel, ByteBuffer parameters) {
    bind();
    return kernels.load(kernel, parameters);
  }

  @Override
  public void launch(Launch launch) {
    bind();
    LoadedKernels.launch(launch, stream);
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
    bind();
    cublas().gemm(a, transposeA, b, transposeB, c, inner, accumulate);
  }

  private Cublas cublas() {
    if (cublas == null) {
      long workspace;
      try {
        workspace = allocate(CUBLAS_BYTES);
      } catch (OutOfMemoryError e) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "cuda: cuBLAS needs %s of device memory, which are not left: a smaller batch needs"
                    + " less",
                Memory.human(CUBLAS_BYTES)),
            e);
      }
      try {
        cublas = new Cublas(stream, workspace, CUBLAS_BYTES, settings.tf32());
      } catch (LinkageError e) {
        free(workspace);
        throw settings.libraries().missingCublas(e);
      } catch (SextantException e) {
        free(workspace);
        throw e;
      }
    }
    return cublas;
  }

  @Override
  public String libraryVersions() {
    bind();
    String blas;
    try {
      int version = cublas().version();
      blas = String.format(Locale.ROOT, "cuBLAS %d.%d", version / 10000, version % 10000 / 100);
    } catch (SextantException e) {
      blas = String.valueOf(e.getMessage());
    }
    try {
      long version = cudnn().version();
      return String.format(
          Locale.ROOT,
          "%s, cuDNN %d.%d.%d",
          blas,
          version / 10000,
          version % 10000 / 100,
          version % 100);
    } catch (SextantException e) {
      return blas + ", " + e.getMessage();
    }
  }

  @Override
  public long convolutionWorkspace(Convolution shape, Direction direction) {
    bind();
    return cudnn().workspace(shape, direction);
  }

  @Override
  public void convolution(
      Convolution shape, Direction direction, long a, long b, long out, long workspace) {
    bind();
    cudnn().run(shape, direction, a, b, out, workspace);
  }

  private Cudnn cudnn() {
    if (cudnn == null) {
      try {
        cudnn = new Cudnn(stream, settings.tf32());
      } catch (LinkageError e) {
        throw settings.libraries().missingCudnn(e);
      }
    }
    return cudnn;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (Status.isLost()) {
      return;
    }
    synchronize();
    if (transfers != null) {
      transfers.close();
      transfers = null;
    }
    synchronized (IDLE) {
      Deque<JCudaDriverSeam> idle = IDLE.get(index);
      if (idle == null) {
        idle = new ArrayDeque<>();
        IDLE.put(index, idle);
      }
      idle.push(this);
    }
  }
}
