package io.meshward.runtime;

/** The runtime cannot do what it was asked to; the message says what to check. */
public final class MeshRuntimeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public MeshRuntimeException(String message) {
    super(message);
  }

  public MeshRuntimeException(String message, Throwable cause) {
    super(message, cause);
  }
}
