package dev.sextant.tensor;

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
}
