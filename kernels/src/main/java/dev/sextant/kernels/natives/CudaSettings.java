package dev.sextant.kernels.natives;

import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * How CUDA is used in this process.
 *
 * @param libraries NVIDIA's libraries
 * @param tf32 whether matrix products and dense convolutions may round their operands to TF32 (10
 *     bits of mantissa): several times faster, and off by default, since results then agree with
 *     those of the CPU to three digits only
 * @param memoryLimit bytes that tensors of a backend may take on the device
 */
public record CudaSettings(CudaLibraries libraries, boolean tf32, long memoryLimit) {
  /** {@code true} switches TF32 on. */
  public static final String TF32_PROPERTY = "sextant.cuda.tf32";

  /** Limits the memory, in MiB. */
  public static final String MEMORY_PROPERTY = "sextant.cuda.memory";

  /**
   * The settings of this process's system properties.
   *
   * @throws SextantException if one has no sensible value
   */
  public static CudaSettings ofProperties() {
    String tf32 = System.getProperty(TF32_PROPERTY, "false");
    if (!tf32.equals("true") && !tf32.equals("false")) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: '%s' is not true or false", TF32_PROPERTY, tf32));
    }
    String memory = System.getProperty(MEMORY_PROPERTY, "");
    if (!memory.matches("\\d{0,9}")) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: '%s' is no number of MiB", MEMORY_PROPERTY, memory));
    }
    return new CudaSettings(
        CudaLibraries.find(),
        Boolean.parseBoolean(tf32),
        memory.isEmpty() ? Long.MAX_VALUE : Long.parseLong(memory) << 20);
  }
}
