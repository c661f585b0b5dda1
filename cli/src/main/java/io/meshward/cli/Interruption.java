package io.meshward.cli;

import java.time.Duration;

/**
 * Turns Ctrl-C and SIGTERM into interrupts of the thread that works, and keeps the JVM until that
 * thread has cleaned up. The JVM then ends with 128 and the number of the signal.
 */
final class Interruption {
  /** Whoever swallows an interrupt is interrupted again. */
  private static final long AGAIN_MILLIS = 250;

  private final Thread worker = Thread.currentThread();
  private final Duration cleanUp;
  private State state = State.WORKING;
  private boolean requested;

  private enum State {
    WORKING,
    CLEANING,
    OVER
  }

  private Interruption(Duration cleanUp) {
    this.cleanUp = cleanUp;
  }

  /**
   * Begins.
   *
   * @param cleanUp how long this thread may take to clean up
   */
  static Interruption ofThisThread(Duration cleanUp) {
    Interruption interruption = new Interruption(cleanUp);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform().name("interruption").unstarted(interruption::interrupt));
    return interruption;
  }

  /** Whether this was asked for: what failed since then failed because of it. */
  synchronized boolean isRequested() {
    return requested;
  }

  /** From now on the thread is not interrupted any more, so that it can clean up. */
  synchronized void beginCleanUp() {
    state = State.CLEANING;
    var _ = Thread.interrupted();
  }

  private synchronized void interrupt() {
    requested = true;
    long end = System.nanoTime() + cleanUp.plusSeconds(30).toNanos();
    try {
      while (state != State.OVER && System.nanoTime() < end) {
        if (state == State.WORKING) {
          worker.interrupt();
        }
        wait(AGAIN_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (state != State.OVER) {
      System.err.println("meshward: not everything could be removed in time");
    }
  }

  /** All is cleaned up: the JVM may end. */
  synchronized void close() {
    state = State.OVER;
    notifyAll();
  }
}
