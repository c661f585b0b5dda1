package io.meshward.schemas;

/**
 * A text that is not a SPIFFE ID or a trust domain name; the message names the text and the rule it
 * breaks.
 */
public final class InvalidSpiffeIdException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  InvalidSpiffeIdException(String text, String reason) {
    super("'" + text + "' is not a SPIFFE name: " + reason);
  }
}
