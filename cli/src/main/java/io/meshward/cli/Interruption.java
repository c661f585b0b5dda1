package io.meshward.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C and SIGTERM into an interrupt of the thread that works, and keeps the JVM until that
 * thread has cleaned up and closed this.
 */
final class Interruption implements AutoCloseable {
  private final Thread worker = Thread.currentThread();
  private final CountDownLatch over = new CountDownLatch(1);
  private final Duration cleanUp;

  private Interruption(Duration cleanUp) {
    this.cleanUp = cleanUp;
  }

  /**
   * Begins.
   *
   * @param cleanUp how long this thread may take after the interrupt
   */
  static Interruption ofThisThread(Duration cleanUp) {
    Interruption interruption = new Interruption(cleanUp);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform().name("interruption").unstarted(interruption::interrupt));
    return interruption;
  }

  /** Forgets an interrupt that has done its work, so that it does not cut the clean-up short. */
  static boolean clear() {
    return Thread.interrupted();
  }

  private void interrupt() {
    if (over.getCount() == 0) {
      return;
    }
    worker.interrupt();
    try {
      if (!over.await(cleanUp.toMillis() + 5_000, TimeUnit.MILLISECONDS)) {
        System.err.println("meshward: not everything could be removed in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    over.countDown();
  }
}
