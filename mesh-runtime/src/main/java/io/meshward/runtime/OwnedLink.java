package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket or an engine that a service owns as the carrier of a connection: it is gone when its
 * owner says so, or when it is cut. Thread-safe.
 */
final class OwnedLink implements ConnectionLink {
  private static final Logger log = LoggerFactory.getLogger(OwnedLink.class);

  private static final Executor CALLER = Runnable::run;

  private final ScheduledExecutorService timer;
  private final @Nullable String ip;
  private final int port;
  private final Runnable ends;
  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();
  private volatile boolean cut;

  /**
   * @param ends ends it for its owner at once; does not block
   */
  OwnedLink(ScheduledExecutorService timer, @Nullable String ip, int port, Runnable ends) {
    this.timer = timer;
    this.ip = ip;
    this.port = port;
    this.ends = ends;
  }

  @Override
  public @Nullable String ip() {
    return ip;
  }

  @Override
  public @Nullable Integer port() {
    return port < 0 ? null : port;
  }

  @Override
  public void cut() {
    if (gone.isDone()) {
      return;
    }
    cut = true;
    try {
      ends.run();
    } catch (RuntimeException e) {
      // Its owner's failure must not keep others from being cut; this one is refused all the same.
      log.atError().setCause(e).log("the owner of a connection that is cut failed to end it");
    } finally {
      gone.complete(null);
    }
  }

  boolean isCut() {
    return cut;
  }

  /** Its owner has closed it. */
  void closed() {
    gone.complete(null);
  }

  /** What is spoken on it is its owner's affair: its end comes with the cut. */
  @Override
  public void drain() {}

  @Override
  public Executor thread() {
    return CALLER;
  }

  @Override
  public void onClose(Runnable task) {
    var unused = gone.thenRun(task);
  }

  @Override
  public Future<?> after(Duration wait, Runnable task) {
    Future<?> later = timer.schedule(task, wait.toMillis(), MILLISECONDS);
    onClose(() -> later.cancel(false));
    return later;
  }
}
