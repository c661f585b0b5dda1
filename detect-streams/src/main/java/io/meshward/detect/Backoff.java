package io.meshward.detect;

import java.time.Duration;

/** A pause that doubles from one failure to the next and starts anew after a calm. Thread-safe. */
final class Backoff {
  static final Duration FIRST = Duration.ofMillis(100);
  static final Duration LONGEST = Duration.ofSeconds(30);
  static final Duration CALM = Duration.ofMinutes(2);

  private Duration pause = FIRST;
  private long lastFailure = Long.MIN_VALUE;

  /**
   * How long to wait after a failure.
   *
   * @param now the monotonic clock, in nanoseconds
   */
  synchronized Duration next(long now) {
    boolean calm = lastFailure == Long.MIN_VALUE || now - lastFailure > CALM.toNanos();
    pause = calm ? FIRST : pause.multipliedBy(2);
    if (pause.compareTo(LONGEST) > 0) {
      pause = LONGEST;
    }
    lastFailure = now;
    return pause;
  }
}
