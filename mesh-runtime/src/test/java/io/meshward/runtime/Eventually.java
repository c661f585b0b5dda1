package io.meshward.runtime;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for a condition with a deadline. */
final class Eventually {
  private static final Duration DEADLINE = Duration.ofMinutes(1);

  private Eventually() {}

  static void await(String what, BooleanSupplier condition) {
    await(() -> what, DEADLINE, condition);
  }

  static void await(Supplier<String> what, Duration deadline, BooleanSupplier condition) {
    long end = System.nanoTime() + deadline.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + deadline + ": " + what.get());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
