package io.meshward.cli;

import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** Prints what happens, as it happens, with the seconds since the start. Thread-safe. */
final class Timeline {
  private final PrintWriter out;
  private final Clock clock;
  private final Instant start;

  Timeline(PrintWriter out, Clock clock) {
    this.out = out;
    this.clock = clock;
    this.start = clock.instant();
  }

  /** Begins a chapter. */
  synchronized void chapter(String title) {
    out.println();
    out.println(title);
    out.flush();
  }

  /** Something happened now. */
  void tell(String who, String what) {
    tell(clock.instant(), who, what);
  }

  /**
   * Something happened.
   *
   * @param who did it: a part of Meshward, the attacker, Kubernetes, a person
   */
  synchronized void tell(Instant at, String who, String what) {
    double seconds = Duration.between(start, at).toMillis() / 1000.0;
    out.println(String.format(Locale.ROOT, "%8.3f s  %-10s %s", seconds, who, what));
    out.flush();
  }

  /** A line that belongs to what was told last, such as a command to copy. */
  synchronized void line(String text) {
    out.println("    " + text);
    out.flush();
  }

  /** How long it has taken so far. */
  Duration elapsed() {
    return Duration.between(start, clock.instant());
  }
}
