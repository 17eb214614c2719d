package dev.sextant.kernels.ptx;

import java.util.List;

/**
 * An assembled kernel: one PTX module with one entry point.
 *
 * @param name of the entry point, such as {@code scale_v4}
 * @param parameters in the order of the parameter block
 * @param maxThreads the most threads a block may have
 * @param text the module, with comments
 */
public record Kernel(String name, List<Parameter> parameters, int maxThreads, String text) {
  /** Copies the list. */
  public Kernel {
    parameters = List.copyOf(parameters);
  }

  /**
   * Where each parameter lies in the parameter block: aligned to its own size, as the ABI has it.
   */
  public int[] parameterOffsets() {
    int[] offsets = new int[parameters.size()];
    int end = 0;
    for (int i = 0; i < offsets.length; i++) {
      int bytes = parameters.get(i).type().bytes();
      offsets[i] = (end + bytes - 1) / bytes * bytes;
      end = offsets[i] + bytes;
    }
    return offsets;
  }

  /** Bytes of the parameter block. */
  public int parameterBytes() {
    int last = parameters.size() - 1;
    return last < 0 ? 0 : parameterOffsets()[last] + parameters.get(last).type().bytes();
  }
}
