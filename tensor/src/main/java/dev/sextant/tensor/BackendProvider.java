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
}
