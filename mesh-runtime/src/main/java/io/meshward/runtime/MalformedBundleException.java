package io.meshward.runtime;

/** A document is no bundle; what was trusted before stays, and nothing of this is taken. */
final class MalformedBundleException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedBundleException(String message) {
    super(message);
  }
}
