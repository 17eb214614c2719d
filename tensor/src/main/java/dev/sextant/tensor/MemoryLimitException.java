package dev.sextant.tensor;

/** Memory asked for beyond the cap or beyond what the machine gave; lists the largest holders. */
public final class MemoryLimitException extends SextantException {
  private static final long serialVersionUID = 1;

  MemoryLimitException(String message) {
    super(message);
  }
}
