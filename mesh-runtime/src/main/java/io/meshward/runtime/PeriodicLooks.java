package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks once a second at what time alone changes. One look that fails keeps no other back. */
final class PeriodicLooks {
  private static final Logger log = LoggerFactory.getLogger(PeriodicLooks.class);
  private static final long EVERY_MS = 1_000;

  private final ScheduledExecutorService timer;

  PeriodicLooks(ScheduledExecutorService timer) {
    this.timer = timer;
  }

  /** Begins, with the looks in this order, until the timer is shut down. */
  void start(List<Runnable> looks) {
    var unused =
        timer.scheduleWithFixedDelay(
            () -> looks.forEach(PeriodicLooks::tryToLook), EVERY_MS, EVERY_MS, MILLISECONDS);
  }

  private static void tryToLook(Runnable look) {
    try {
      look.run();
    } catch (RuntimeException e) {
      log.atError().setCause(e).log("a periodic look failed; it goes on");
    }
  }
}
