package io.meshward.cli;

import io.meshward.examples.ShopLine;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every call that the shop's services made, and how it ended. Thread-safe. */
final class CallLog {
  /** More than a demonstration makes; what is beyond is an error, since it would not be judged. */
  private static final int MAX_CALLS = 500_000;

  private final List<ShopLine.Call> failed = new ArrayList<>();
  private final List<ShopLine.Call> succeeded = new ArrayList<>();
  private long abandoned;

  /**
   * While a contained identity is refused.
   *
   * @param service whose calls, and calls to whom, are refused
   * @param from when it was detected
   * @param to when it was released, or its SVID rotated, everywhere
   */
  record Outage(String service, Instant from, Instant to) {
    /** Whether a call of it, or to it, was under way within. */
    boolean explains(ShopLine.Call call) {
      return (call.caller().equals(service) || call.callee().equals(service))
          && call.startedAt().isBefore(to)
          && call.endedAt().isAfter(from);
    }
  }

  synchronized void add(ShopLine.Call call) {
    if (size() == MAX_CALLS) {
      throw new IllegalStateException("more than " + MAX_CALLS + " calls");
    }
    switch (call.status()) {
      case "OK" -> succeeded.add(call);
      // Nobody refused it: whoever asked for it was cut off, so it was given up (gRPC passes that
      // on).
      case "CANCELLED" -> abandoned++;
      default -> failed.add(call);
    }
  }

  /** How many calls there were. */
  synchronized long size() {
    return abandoned + failed.size() + succeeded.size();
  }

  /** The calls that failed within an outage that explains them. */
  synchronized List<ShopLine.Call> explainedBy(Outage outage) {
    return failed.stream().filter(outage::explains).toList();
  }

  /** The calls that failed though none of these explains them. */
  synchronized List<ShopLine.Call> unexplained(List<Outage> outages) {
    return failed.stream()
        .filter(call -> outages.stream().noneMatch(outage -> outage.explains(call)))
        .toList();
  }

  /** The first call from one service to another that began after an instant and succeeded. */
  synchronized Optional<ShopLine.Call> successAfter(String caller, String callee, Instant after) {
    return succeeded.stream()
        .filter(call -> call.caller().equals(caller) && call.callee().equals(callee))
        .filter(call -> call.startedAt().isAfter(after))
        .findFirst();
  }
}
