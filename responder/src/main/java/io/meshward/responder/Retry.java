package io.meshward.responder;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Asks the API again while it is not available, for a bounded time. One use; not thread-safe. */
final class Retry {
  private static final long FIRST_MS = 20;
  private static final long LONGEST_MS = 2000;

  private final long end;
  private final BooleanSupplier allowed;
  private long next = FIRST_MS;

  Retry(Duration time) {
    this(time, () -> true);
  }

  /**
   * @param allowed whether it may ask now
   */
  Retry(Duration time, BooleanSupplier allowed) {
    this.end = System.nanoTime() + time.toNanos();
    this.allowed = allowed;
  }

  /** Whether time is left. */
  boolean timeLeft() {
    return System.nanoTime() < end;
  }

  /** What is left of the time. */
  Duration left() {
    return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
  }

  /**
   * Asks until there is an answer other than {@link ApiResult.Unavailable} or the time is over.
   * What may have been done is not asked again.
   */
  ApiResult ask(Supplier<ApiResult> request) {
    while (true) {
      if (!allowed.getAsBoolean()) {
        return new ApiResult.Unavailable("it is not allowed now", null);
      }
      ApiResult result = request.get();
      if (!(result instanceof ApiResult.Unavailable unavailable)) {
        return result;
      }
      Duration wish = unavailable.retryAfter();
      if (!pause(wish == null ? Duration.ZERO : wish)) {
        return result;
      }
    }
  }

  /**
   * Waits a little longer than the last time, with jitter.
   *
   * @param atLeast what the server asked for
   * @return false if the time would be over then
   */
  boolean pause(Duration atLeast) {
    long jittered = next / 2 + ThreadLocalRandom.current().nextLong(next / 2 + 1);
    long wait = Math.max(jittered, atLeast.toMillis());
    next = Math.min(LONGEST_MS, next * 2);
    if (System.nanoTime() + wait * 1_000_000 >= end) {
      return false;
    }
    try {
      Thread.sleep(wait);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
