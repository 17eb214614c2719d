package dev.sextant.runtime.service;

import dev.sextant.tensor.SextantException;

/** A request found no free model within the time it may wait: to be tried again later. */
public final class OverloadException extends SextantException {
  private static final long serialVersionUID = 1;

  /**
   * Says why.
   *
   * @param message one sentence
   */
  public OverloadException(String message) {
    super(message);
  }
}
