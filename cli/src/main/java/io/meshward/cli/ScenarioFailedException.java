package io.meshward.cli;

/** Something in a scenario was not as it has to be; the message says what. */
final class ScenarioFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  ScenarioFailedException(String message) {
    super(message);
  }
}
