package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks once a second at what time alone changes, on a thread of its own: some looks read files,
 * and the end of a connection must not wait for a disk. One look that fails keeps no other back.
 * Thread-safe.
 */
final class PeriodicLooks implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PeriodicLooks.class);
  private static final long EVERY_MS = 1_000;
  private static final long CLOSE_DEADLINE_MS = 2_000;

  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(1, new DefaultThreadFactory("meshward-looks", true));

  /** Begins, with the looks in this order, until this is closed. */
  void start(List<Runnable> looks) {
    var unused =
        thread.scheduleWithFixedDelay(
            () -> looks.forEach(PeriodicLooks::tryToLook), EVERY_MS, EVERY_MS, MILLISECONDS);
  }

  private static void tryToLook(Runnable look) {
    try {
      look.run();
    } catch (RuntimeException e) {
      log.atError().setCause(e).log("a periodic look failed; it goes on");
    }
  }

  /** Looks no more, and waits for those that have begun, for two seconds at most. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_DEADLINE_MS, MILLISECONDS)) {
        log.atWarn().log("a periodic look does not come to its end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
