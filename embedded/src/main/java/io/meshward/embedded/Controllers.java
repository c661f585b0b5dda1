package io.meshward.embedded;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The controller loop: one thread that, after every change, lets each controller in turn bring the
 * objects closer to what is wanted, until a round changes nothing. Controllers read the whole state
 * under the store's lock, so a round sees no half-done write and its outcome does not depend on
 * timing; what takes time (a pod's start, its end) is a due time that wakes the loop.
 */
final class Controllers implements AutoCloseable {

  /** One controller. */
  interface Controller {

    /**
     * Brings the objects closer to what is wanted.
     *
     * @return how long until it has something to do though nothing changes, if ever
     */
    Optional<Duration> reconcile();
  }

  private static final Logger log = LoggerFactory.getLogger(Controllers.class);

  private static final int MAX_ROUNDS = 1_000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();
  private final ObjectStore store;
  private final List<Controller> controllers;
  private final Duration delay;
  private final Thread thread;
  private boolean changed = true;
  private boolean closed;

  /**
   * Starts the loop.
   *
   * @param delay how long the loop sleeps on a change before it acts on it
   */
  Controllers(ObjectStore store, List<Controller> controllers, Duration delay) {
    this.store = store;
    this.controllers = List.copyOf(controllers);
    this.delay = delay;
    this.thread = Thread.ofVirtual().name("kubernetes-controllers").unstarted(this::run);
  }

  void start() {
    store.follow(store.version(), change -> signal());
    thread.start();
  }

  private void signal() {
    lock.lock();
    try {
      changed = true;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    Optional<Duration> due = Optional.empty();
    while (awaitWork(due)) {
      try {
        if (!delay.isZero()) {
          Thread.sleep(delay);
        }
        due = settle();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        log.atError().setCause(e).log("a controller failed");
        due = Optional.of(Duration.ofSeconds(1));
      }
    }
  }

  /** Runs rounds until one changes nothing. */
  private Optional<Duration> settle() {
    for (int round = 0; round < MAX_ROUNDS; round++) {
      long before = store.version();
      Optional<Duration> due =
          store.locked(
              () ->
                  controllers.stream()
                      .map(Controller::reconcile)
                      .flatMap(Optional::stream)
                      .min(Duration::compareTo));
      if (store.version() == before) {
        return due;
      }
    }
    throw new IllegalStateException(
        "the controllers do not settle after " + MAX_ROUNDS + " rounds");
  }

  /** Waits for a change or the due time; false once closed. */
  private boolean awaitWork(Optional<Duration> due) {
    lock.lock();
    try {
      long nanos = due.map(Duration::toNanos).orElse(Long.MAX_VALUE);
      while (!changed && !closed && nanos > 0) {
        nanos = wake.awaitNanos(nanos);
      }
      changed = false;
      return !closed;
    } catch (InterruptedException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
