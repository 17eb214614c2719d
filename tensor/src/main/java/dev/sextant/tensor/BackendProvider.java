package dev.sextant.tensor;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** How a module outside this one (CUDA) offers a {@link Backend}; found by ServiceLoader. */
public interface BackendProvider {
  /** {@return the device kind it serves, such as {@code cuda}} */
  String kind();

  /**
   * Opens the device. {@link Backends} puts the rules of {@link Check} in front of what this
   * returns, so that kernels may rely on them.
   *
   * @param device of this provider's kind
   * @param threads workers to split a kernel over; devices that schedule themselves ignore it
   * @return a backend with a memory of its own; the caller closes it
   * @throws SextantException that says what is missing and what to install
   */
  Backend open(Device device, int threads);

  /**
   * {@return what it needs of this machine, a line each: where it was found, or what to do about
   * it}
   */
  default List<String> report() {
    return List.of();
  }

  /** {@return the source text of its kernels, by name, for a reader} */
  default Map<String, Supplier<String>> kernels() {
    return Map.of();
  }
}
