package dev.sextant.tensor;

import org.jspecify.annotations.Nullable;

/**
 * An error that its reader can act on: one sentence that names what was wrong and where.
 *
 * <p>Everything the library throws because of its input (shapes, files, budgets, memory) is of this
 * type; the command line prints the message alone and exits with status 2. Any other exception is a
 * defect of the library.
 */
public class SextantException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * An error with the sentence shown to the user.
   *
   * @param message one sentence that says what is wrong and where
   */
  public SextantException(String message) {
    super(message);
  }

  /**
   * An error with the sentence shown to the user and what caused it.
   *
   * @param message one sentence that says what is wrong and where
   * @param cause what caused it, if anything did
   */
  public SextantException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
