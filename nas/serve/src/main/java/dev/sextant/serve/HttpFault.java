package dev.sextant.serve;

/** Why a request is not answered: its status and one sentence. */
final class HttpFault extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;

  HttpFault(int status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  int status() {
    return status;
  }
}
