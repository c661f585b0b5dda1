package io.meshward.runtime;

/** A policy, or a file beside it, that cannot be used; says where, what is there, and what fits. */
final class InvalidPolicyException extends Exception {
  private static final long serialVersionUID = 1L;

  InvalidPolicyException(String message) {
    super(message);
  }

  InvalidPolicyException(String message, Throwable cause) {
    super(message, cause);
  }
}
