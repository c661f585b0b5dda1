package io.meshward.runtime;

/** A message of the Workload API breaks the standard. */
final class BadResponseException extends Exception {
  private static final long serialVersionUID = 1L;

  BadResponseException(String message) {
    super(message);
  }
}
