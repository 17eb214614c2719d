package dev.sextant.spark;

import dev.sextant.tensor.SextantException;

/** A worker is gone, or says nothing: the others cannot go on, and all begin again. */
final class WorkerLostException extends SextantException {
  private static final long serialVersionUID = 1;

  WorkerLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
