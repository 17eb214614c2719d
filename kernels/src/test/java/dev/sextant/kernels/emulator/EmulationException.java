package dev.sextant.kernels.emulator;

/** What a kernel did that a GPU would not forgive, or what of PTX the emulator does not know. */
public final class EmulationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With where it happened and what it was. */
  public EmulationException(String message) {
    super(message);
  }
}
