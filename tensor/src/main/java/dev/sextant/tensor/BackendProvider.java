package dev.sextant.tensor;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** How a module outside this one (CUDA) offers a {@link Backend}; found by ServiceLoader. */
public interface BackendProvider {
  /** The device kind it serves, such as {@code cuda}. */
  String kind();

  /**
   * Opens the device. {@link Backends} puts the rules of {@link Check} in front of what this
   * returns, so that kernels may rely on them.
   *
   * @throws SextantException that says what is missing and what to install
   */
  Backend open(Device device, int threads);

  /** What it needs of this machine, a line each: where it was found, or what to do about it. */
  default List<String> report() {
    return List.of();
  }

  /** The source text of its kernels, by name, for a reader. */
  default Map<String, Supplier<String>> kernels() {
    return Map.of();
  }

  /**
   * How long the device took for one piece of work.
   *
   * @param work what was done, such as {@code depthwise 3x3 s1}
   * @param kernels names of the kernels it launched; none where a library did it
   * @param ms median time of one run
   * @param bytes that must be moved: each input read once, each output written once
   * @param flops floating-point operations, where they may be the limit; else 0
   */
  record KernelTime(String work, List<String> kernels, double ms, long bytes, long flops) {
    /** Copies the list. */
    public KernelTime {
      kernels = List.copyOf(kernels);
    }
  }

  /**
   * Times its kernels on a device; a copy in device memory, which bounds the others, comes first.
   *
   * @param quick tiny operands and one run: whether it works, not how fast
   */
  default List<KernelTime> time(Device device, boolean quick) {
    return List.of();
  }
}
