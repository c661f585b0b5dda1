package io.meshward.runtime;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Waits that double from one to another, each cut by chance by up to a half. Not thread-safe. */
final class Backoff {
  private final Duration first;
  private final Duration longest;
  private final RandomGenerator random;
  private Duration next;

  Backoff(Duration first, Duration longest, RandomGenerator random) {
    this.first = first;
    this.longest = longest;
    this.random = random;
    this.next = first;
  }

  /** How long to wait now. */
  Duration next() {
    Duration current = next;
    Duration doubled = current.multipliedBy(2);
    next = doubled.compareTo(longest) > 0 ? longest : doubled;
    long half = current.toNanos() / 2;
    return Duration.ofNanos(half + random.nextLong(half + 1));
  }

  /** Begins again with the first wait. */
  void reset() {
    next = first;
  }
}
