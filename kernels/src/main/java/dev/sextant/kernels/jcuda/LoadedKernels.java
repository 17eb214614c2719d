package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.Kernel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;

/** The kernels that the driver has assembled for a device's context, by name. */
final class LoadedKernels {
  private static final int LOG_BYTES = 16 * 1024;

  private final Map<String, CUfunction> functions = new HashMap<>();

  /** A kernel and the pointers to its parameters, made once. */
  private record Loaded(CUfunction function, Pointer parameters) implements Driver.Function {}

  /**
   * Assembles a kernel if it has not been yet.
   *
   * @param parameters where its launches leave their parameters
   */
  Driver.Function load(Kernel kernel, ByteBuffer parameters) {
    CUfunction function = functions.get(kernel.name());
    if (function == null) {
      function = compile(kernel);
      functions.put(kernel.name(), function);
    }
    int[] offsets = kernel.parameterOffsets();
    Pointer[] pointers = new Pointer[offsets.length];
    for (int i = 0; i < offsets.length; i++) {
      pointers[i] = Pointer.to(parameters).withByteOffset(offsets[i]);
    }
    return new Loaded(function, Pointer.to(pointers));
  }

  /** From outside the Java heap: an array would keep the garbage collector out meanwhile. */
  private static CUfunction compile(Kernel kernel) {
    byte[] text = (kernel.text() + "\0").getBytes(StandardCharsets.UTF_8);
    ByteBuffer ptx = ByteBuffer.allocateDirect(text.length).put(0, text);
    JITOptions options = new JITOptions();
    options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
    options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
    CUmodule module = new CUmodule();
    int status = JCudaDriver.cuModuleLoadDataJIT(module, Pointer.to(ptx), options);
    if (status != CUresult.CUDA_SUCCESS) {
      String log = options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
      if (log == null || log.isBlank()) {
        Status.driver("cuModuleLoadData of " + kernel.name(), status);
      }
      throw Driver.refused(kernel, String.valueOf(log));
    }
    CUfunction function = new CUfunction();
    Status.driver(
        "cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(function, module, kernel.name()));
    return function;
  }

  /** Queues a launch of a kernel that was loaded here. */
  static void launch(Launch launch, CUstream stream) {
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
}
