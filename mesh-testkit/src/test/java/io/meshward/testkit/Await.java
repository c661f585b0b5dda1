package io.meshward.testkit;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what another thread brings about. */
final class Await {

  private static final Duration TIMEOUT = Duration.ofMinutes(1);

  private Await() {}

  static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("the condition did not hold within " + TIMEOUT);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
