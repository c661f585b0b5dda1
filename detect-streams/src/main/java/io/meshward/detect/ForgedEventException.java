package io.meshward.detect;

/** An event that is proved not to be what its reporter sent; the message says by what. */
final class ForgedEventException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ForgedEventException(String message) {
    super(message);
  }
}
