package io.meshward.schemas;

/**
 * Bytes or headers that are not an event; the message names the field or header, the value and what
 * was expected.
 */
public final class MalformedEventException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public MalformedEventException(String message) {
    super(message);
  }

  public MalformedEventException(String message, Throwable cause) {
    super(message, cause);
  }
}
