package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.tensor.SextantException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;
import org.jspecify.annotations.Nullable;

/**
 * A device through JCuda: its primary context, one stream, cuBLAS and cuDNN. The libraries are
 * opened when they are first needed, so that kernels run on a machine that has only a driver.
 */
public final class JCudaDriverSeam implements Driver {
  private static final int LOG_BYTES = 16 * 1024;

  private final CUdevice device = new CUdevice();
  private final CUstream stream = new CUstream();
  private final List<CUmodule> modules = new ArrayList<>();
  private final DeviceInfo info;
  private @Nullable Cublas cublas;
  private @Nullable Cudnn cudnn;
  private long workspace;
  private long workspaceBytes;
  private boolean closed;

  /**
   * Opens a device.
   *
   * @param index from 0
   * @throws SextantException if there is none, or the driver does not work
   */
  public JCudaDriverSeam(int index) {
    Status.driver("cuInit", JCudaDriver.cuInit(0));
    int[] count = new int[1];
    Status.driver("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    if (index >= count[0]) {
      throw new SextantException(
          "cuda: no device %d, this machine has %d".formatted(index, count[0]));
    }
    Status.driver("cuDeviceGet", JCudaDriver.cuDeviceGet(device, index));
    CUcontext context = new CUcontext();
    Status.driver(
        "cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    Status.driver("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
    Status.driver("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, 0));
    info = describe();
  }

  private DeviceInfo describe() {
    byte[] name = new byte[256];
    Status.driver("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
    long[] bytes = new long[1];
    Status.driver("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device));
    int[] version = new int[1];
    Status.driver("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
    int capability =
        10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    return new DeviceInfo(
        new String(name, StandardCharsets.UTF_8).replace("\0", "").strip(),
        capability,
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        bytes[0],
        "driver for CUDA %d.%d".formatted(version[0] / 1000, version[0] % 1000 / 10));
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    Status.driver(
        "cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, attribute, device));
    return value[0];
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public long allocate(long bytes) {
    DeviceAddress address = new DeviceAddress();
    int status = JCudaDriver.cuMemAlloc(address, bytes);
    if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      throw new OutOfMemoryError("cuda: the device has no %d bytes left".formatted(bytes));
    }
    Status.driver("cuMemAlloc", status);
    return address.value();
  }

  @Override
  public void free(long address) {
    synchronize();
    Status.driver("cuMemFree", JCudaDriver.cuMemFree(new DeviceAddress(address)));
  }

  @Override
  public void zero(long address, long bytes) {
    if (bytes > 0) {
      Status.driver(
          "cuMemsetD32Async",
          JCudaDriver.cuMemsetD32Async(new DeviceAddress(address), 0, bytes / 4, stream));
    }
  }

  @Override
  public void upload(float[] from, int offset, int count, long to) {
    upload(Pointer.to(from), offset, count, to);
  }

  @Override
  public void upload(int[] from, int offset, int count, long to) {
    upload(Pointer.to(from), offset, count, to);
  }

  /** From the Java heap, so that the copy is done when this returns. */
  private void upload(Pointer array, int offset, int count, long to) {
    if (count > 0) {
      synchronize();
      Pointer from = array.withByteOffset(4L * offset);
      Status.driver(
          "cuMemcpyHtoD", JCudaDriver.cuMemcpyHtoD(new DeviceAddress(to), from, 4L * count));
    }
  }

  @Override
  public void download(long from, float[] to, int offset, int count) {
    synchronize();
    if (count > 0) {
      Pointer target = Pointer.to(to).withByteOffset(4L * offset);
      Status.driver(
          "cuMemcpyDtoH", JCudaDriver.cuMemcpyDtoH(target, new DeviceAddress(from), 4L * count));
    }
  }

  @Override
  public void synchronize() {
    Status.driver("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
  }

  /** A kernel and the pointers to its parameters, made once. */
  private record Loaded(CUfunction function, Pointer parameters) implements Function {}

  @Override
  public Function load(Kernel kernel, ByteBuffer parameters) {
    byte[] ptx = (kernel.text() + "\0").getBytes(StandardCharsets.UTF_8);
    JITOptions options = new JITOptions();
    options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
    options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
    CUmodule module = new CUmodule();
    int status = JCudaDriver.cuModuleLoadDataJIT(module, Pointer.to(ptx), options);
    if (status != CUresult.CUDA_SUCCESS) {
      throw new SextantException(
          "cuda: the driver refuses kernel %s: %s"
              .formatted(kernel.name(), options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER)));
    }
    modules.add(module);
    CUfunction function = new CUfunction();
    Status.driver(
        "cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(function, module, kernel.name()));
    int[] offsets = kernel.parameterOffsets();
    Pointer[] pointers = new Pointer[offsets.length];
    for (int i = 0; i < offsets.length; i++) {
      pointers[i] = Pointer.to(parameters).withByteOffset(offsets[i]);
    }
    return new Loaded(function, Pointer.to(pointers));
  }

  @Override
  public void launch(Launch launch) {
    Loaded loaded = (Loaded) launch.function();
    int status =
        JCudaDriver.cuLaunchKernel(
            loaded.function,
            launch.gridX(),
            launch.gridY(),
            launch.gridZ(),
            launch.blockX(),
            launch.blockY(),
            1,
            0,
            stream,
            loaded.parameters,
            null);
    if (status != CUresult.CUDA_SUCCESS) {
      Status.driver("launch of " + launch.kernel().name(), status);
    }
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
    cublas().gemm(a, transposeA, b, transposeB, c, inner, accumulate);
  }

  private Cublas cublas() {
    if (cublas == null) {
      cublas = new Cublas(stream);
    }
    return cublas;
  }

  @Override
  public void convolution(Convolution shape, long x, long w, long out) {
    cudnn().forward(shape, x, w, out);
  }

  @Override
  public void convolutionBackwardData(Convolution shape, long dy, long w, long dx) {
    cudnn().backwardData(shape, dy, w, dx);
  }

  @Override
  public void convolutionBackwardFilter(Convolution shape, long x, long dy, long dw) {
    cudnn().backwardFilter(shape, x, dy, dw);
  }

  private Cudnn cudnn() {
    if (cudnn == null) {
      cudnn = new Cudnn(stream, this::workspace);
    }
    return cudnn;
  }

  /** One block that grows to the largest need: calls on one stream follow one another. */
  private long workspace(long bytes) {
    if (bytes > workspaceBytes) {
      if (workspaceBytes > 0) {
        free(workspace);
        workspaceBytes = 0;
      }
      workspace = allocate(bytes);
      workspaceBytes = bytes;
    }
    return workspace;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    synchronize();
    if (cublas != null) {
      cublas.close();
    }
    if (cudnn != null) {
      cudnn.close();
    }
    if (workspaceBytes > 0) {
      free(workspace);
    }
    for (CUmodule module : modules) {
      JCudaDriver.cuModuleUnload(module);
    }
    JCudaDriver.cuStreamDestroy(stream);
    JCudaDriver.cuDevicePrimaryCtxRelease(device);
  }
}
