package io.meshward.cli;

import org.jspecify.annotations.Nullable;

/**
 * Ends a command with a message for the user and an exit code; the user sees no stack trace.
 *
 * <p>The message says what is wrong, with the offending value, and what was expected.
 */
final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  /**
   * @param exitCode one of {@link ExitCode}
   */
  CommandException(int exitCode, String message) {
    this(exitCode, message, null);
  }

  CommandException(int exitCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
