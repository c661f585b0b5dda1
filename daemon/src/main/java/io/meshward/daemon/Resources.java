package io.meshward.daemon;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process holds, closed in the reverse order of its making, once, with a deadline for all of
 * it. A part that fails to close, or does not end in its time, is logged and does not keep the
 * others. Thread-safe.
 */
public final class Resources implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Resources.class);

  /** Even after the deadline each part gets a moment. */
  private static final Duration LAST_MOMENT = Duration.ofMillis(200);

  private final Duration deadline;
  private final Deque<Part> parts = new ArrayDeque<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private boolean closing;

  private record Part(String name, AutoCloseable resource) {}

  /**
   * Starts with nothing.
   *
   * @param deadline how long {@link #close()} takes at most, about
   */
  public Resources(Duration deadline) {
    this.deadline = deadline;
  }

  /**
   * Adds a part, to be closed before all that were added earlier.
   *
   * @return the part
   * @throws IllegalStateException if this is closed; the part is closed then
   */
  public <T extends AutoCloseable> T add(String name, T resource) {
    synchronized (this) {
      if (!closing) {
        parts.push(new Part(name, resource));
        return resource;
      }
    }
    closePart(new Part(name, resource), LAST_MOMENT);
    throw new IllegalStateException("already closed: " + name + " comes too late");
  }

  /** Closes all parts; a second call waits for the first. */
  @Override
  public void close() {
    boolean first;
    synchronized (this) {
      first = !closing;
      closing = true;
    }
    if (!first) {
      await(deadline.plusSeconds(1));
      return;
    }
    long end = System.nanoTime() + deadline.toNanos();
    for (Part part : parts) {
      Duration left = Duration.ofNanos(end - System.nanoTime());
      closePart(part, left.compareTo(LAST_MOMENT) < 0 ? LAST_MOMENT : left);
    }
    closed.countDown();
  }

  /** Waits until all parts are closed, however long that takes. */
  public void await() throws InterruptedException {
    closed.await();
  }

  private void await(Duration time) {
    try {
      if (!closed.await(time.toMillis(), TimeUnit.MILLISECONDS)) {
        log.atWarn().log("not closed within the deadline");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void closePart(Part part, Duration time) {
    Thread closer =
        Thread.ofVirtual()
            .name("close-" + part.name())
            .start(
                () -> {
                  try {
                    part.resource().close();
                  } catch (Exception e) {
                    log.atWarn().addKeyValue("part", part.name()).setCause(e).log("cannot close");
                  }
                });
    try {
      if (!closer.join(time)) {
        log.atWarn()
            .addKeyValue("part", part.name())
            .addKeyValue("milliseconds", time.toMillis())
            .log("does not close in time");
        closer.interrupt();
      }
    } catch (InterruptedException e) {
      closer.interrupt();
      Thread.currentThread().interrupt();
    }
  }
}
