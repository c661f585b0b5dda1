package io.meshward.cli;

/** What the {@code meshward} command tells its caller by its exit code. */
final class ExitCode {
  /** It did what was asked. */
  static final int OK = 0;

  /** It ran, and found problems in what it was given to check or to show. */
  static final int PROBLEMS = 1;

  /** The command line or a configuration file is wrong. */
  static final int USAGE = 2;

  /** Something it needs does not answer. */
  static final int UNREACHABLE = 3;

  /** What was asked is not allowed. */
  static final int NOT_ALLOWED = 4;

  /** What was asked collides with what is there. */
  static final int CONFLICT = 5;

  private ExitCode() {}
}
