package io.meshward.benchmarks;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/**
 * Does things at instants that were fixed beforehand, whether or not earlier ones are done: what is
 * late because the system is busy counts as latency, not as a pause in the load.
 */
final class Pace {
  private Pace() {}

  /** What is done at one instant. */
  @FunctionalInterface
  interface Work {
    /**
     * Does it, on a thread of its own.
     *
     * @param index counts from 0
     * @param due when it was to be done
     */
    void run(int index, Instant due) throws Exception;
  }

  /**
   * Does {@code count} things, {@code perSecond} of them in a second, and waits for their ends.
   *
   * @return how many failed
   */
  static int keep(double perSecond, int count, Work work) throws InterruptedException {
    Failures failures = new Failures();
    Instant start = Instant.now();
    long startNanos = System.nanoTime();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        long offset = (long) (i * 1e9 / perSecond);
        waitUntil(startNanos + offset);
        int index = i;
        threads.execute(() -> failures.count(work, index, start.plusNanos(offset)));
      }
    }
    return failures.count;
  }

  private static void waitUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    while (left > 0) {
      LockSupport.parkNanos(left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      left = nanos - System.nanoTime();
    }
  }

  /** Waits for a condition, looking at it a hundred times a second. */
  static boolean await(Duration time, Condition condition) throws Exception {
    long end = System.nanoTime() + time.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(10);
    }
    return true;
  }

  /** Something that is so, or is not yet. */
  @FunctionalInterface
  interface Condition {
    boolean holds() throws Exception;
  }

  private static final class Failures {
    private int count;

    void count(Work work, int index, Instant due) {
      try {
        work.run(index, due);
      } catch (Exception e) {
        synchronized (this) {
          if (count++ == 0) {
            System.err.println("the first failure of the load: " + e);
          }
        }
      }
    }
  }
}
