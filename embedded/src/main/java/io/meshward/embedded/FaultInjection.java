package io.meshward.embedded;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Faults for the next matching requests. Each call arms one fault for a number of requests; a
 * request meets every armed fault that matches it, delays first. Thread-safe.
 */
public final class FaultInjection {

  /** What happens to a request. */
  sealed interface Fault {

    /** What happens to it before it is carried out. */
    sealed interface Early extends Fault {}

    /** The answer is late; the request is carried out after the delay. */
    record Latency(Duration delay) implements Early {}

    /** The request is carried out once the latch is open. */
    record Hold(CountDownLatch until) implements Early {
      /** So that no request is held for ever. */
      private static final Duration LONGEST = Duration.ofMinutes(1);

      void await() throws InterruptedException {
        boolean _ = until.await(LONGEST.toMillis(), TimeUnit.MILLISECONDS);
      }
    }

    /** The request is refused and not carried out. */
    record Refusal(int code, Duration retryAfter) implements Early {}

    /** The request was carried out; the connection is closed without an answer. */
    record Cut() implements Fault {}
  }

  private static final class Armed {
    private final Predicate<ApiCall> matching;
    private final Fault fault;
    private int left;

    Armed(int times, Fault fault, Predicate<ApiCall> matching) {
      this.left = times;
      this.fault = fault;
      this.matching = matching;
    }
  }

  private final List<Armed> armed = new ArrayList<>();

  FaultInjection() {}

  /** Requests with that method whose path contains a match of that regular expression. */
  public static Predicate<ApiCall> on(String method, String pathRegex) {
    Pattern pattern = Pattern.compile(pathRegex);
    return call -> call.method().equals(method) && pattern.matcher(call.path()).find();
  }

  /** Answers 409: the object has been modified. */
  public void conflict(int times, Predicate<ApiCall> matching) {
    arm(times, new Fault.Refusal(409, Duration.ZERO), matching);
  }

  /** Answers 429 with {@code Retry-After} in whole seconds. */
  public void throttle(int times, Duration retryAfter, Predicate<ApiCall> matching) {
    arm(times, new Fault.Refusal(429, retryAfter), matching);
  }

  /** Answers 500 without doing anything. */
  public void fail(int times, Predicate<ApiCall> matching) {
    arm(times, new Fault.Refusal(500, Duration.ZERO), matching);
  }

  /** Waits before the request is carried out. */
  public void delay(int times, Duration delay, Predicate<ApiCall> matching) {
    arm(times, new Fault.Latency(delay), matching);
  }

  /** Holds the request until the latch is open, a minute at most, and carries it out then. */
  public void hold(int times, CountDownLatch until, Predicate<ApiCall> matching) {
    arm(times, new Fault.Hold(until), matching);
  }

  /**
   * Commits the request and closes the connection without an answer. A request that is refused, as
   * by a lock on an old resourceVersion, commits nothing and leaves the fault to the next one.
   */
  public void cutAfterCommit(int times, Predicate<ApiCall> matching) {
    arm(times, new Fault.Cut(), matching);
  }

  /** Disarms everything. */
  public synchronized void clear() {
    armed.clear();
  }

  /** How many requests armed faults still wait for. */
  public synchronized int pending() {
    return armed.stream().mapToInt(a -> a.left).sum();
  }

  private synchronized void arm(int times, Fault fault, Predicate<ApiCall> matching) {
    if (times < 1) {
      throw new IllegalArgumentException("times is " + times + ", expected at least 1");
    }
    armed.add(new Armed(times, fault, matching));
  }

  /** Takes the faults that a request meets before it is carried out. */
  synchronized List<Fault.Early> takeEarly(ApiCall call) {
    return take(call, Fault.Early.class);
  }

  /** Takes the cuts that a request meets which was carried out; whether there were any. */
  synchronized boolean takeCut(ApiCall call) {
    return !take(call, Fault.Cut.class).isEmpty();
  }

  private <F extends Fault> List<F> take(ApiCall call, Class<F> kind) {
    List<F> faults = new ArrayList<>();
    for (Iterator<Armed> each = armed.iterator(); each.hasNext(); ) {
      Armed next = each.next();
      if (kind.isInstance(next.fault) && next.matching.test(call)) {
        faults.add(kind.cast(next.fault));
        next.left--;
        if (next.left == 0) {
          each.remove();
        }
      }
    }
    return faults;
  }
}
