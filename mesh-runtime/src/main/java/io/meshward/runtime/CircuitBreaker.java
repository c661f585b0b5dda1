package io.meshward.runtime;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Spares a server that keeps failing, and its callers the wait: after some failures in a row it is
 * not asked for a while, then once, and the while doubles if that fails too. Thread-safe.
 */
final class CircuitBreaker {
  private static final int FAILURES = 5;
  private static final long FIRST_PAUSE = Duration.ofMillis(250).toNanos();
  private static final long LONGEST_PAUSE = Duration.ofSeconds(10).toNanos();

  private final LongSupplier nanoTime;
  private int failures;
  private long pause = FIRST_PAUSE;
  private long pausedAt;
  private boolean probing;

  CircuitBreaker(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Whether the server may be asked now; who was let through has to say how it went. */
  synchronized boolean lets() {
    if (failures < FAILURES) {
      return true;
    }
    if (probing || nanoTime.getAsLong() - pausedAt < pause) {
      return false;
    }
    probing = true;
    return true;
  }

  /** Who was let through did not come to ask: it is no word on the server. */
  synchronized void abandoned() {
    probing = false;
  }

  synchronized void succeeded() {
    failures = 0;
    pause = FIRST_PAUSE;
    probing = false;
  }

  synchronized void failed() {
    if (probing) {
      pause = Math.min(2 * pause, LONGEST_PAUSE);
      probing = false;
      pausedAt = nanoTime.getAsLong();
    } else if (failures < FAILURES) {
      failures++;
      pausedAt = nanoTime.getAsLong();
    }
  }
}
