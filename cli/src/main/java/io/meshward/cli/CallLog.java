package io.meshward.cli;

import io.meshward.examples.ShopLine;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every call that the shop's services made, and how it ended. Whatever did not end well has to be
 * explained by an outage, or by the failure of the call it belonged to. Thread-safe.
 */
final class CallLog {
  /** More than all outages of a demonstration explain. */
  private static final int MAX_FAILED = 100_000;

  private final Map<String, ShopLine.Call> failed = new LinkedHashMap<>();
  private final Map<Route, ShopLine.Call> lastSuccess = new HashMap<>();
  private long size;

  private record Route(String caller, String callee) {}

  /**
   * While a contained identity is refused.
   *
   * @param service whose calls, and calls to whom, are refused
   * @param from when it was detected
   * @param to when it was released, or its SVID rotated, everywhere
   */
  record Outage(String service, Instant from, Instant to) {
    /** Whether a call of it, or to it, was under way within. */
    private boolean explains(ShopLine.Call call) {
      return (call.caller().equals(service) || call.callee().equals(service))
          && call.startedAt().isBefore(to)
          && call.endedAt().isAfter(from);
    }
  }

  synchronized void add(ShopLine.Call call) {
    size++;
    if (call.status().equals("OK")) {
      lastSuccess.merge(
          new Route(call.caller(), call.callee()),
          call,
          (one, other) -> one.startedAt().isAfter(other.startedAt()) ? one : other);
    } else if (failed.size() < MAX_FAILED) {
      failed.put(call.id(), call);
    }
  }

  /** How many calls there were. */
  synchronized long size() {
    return size;
  }

  /** The calls that failed because of an outage, in the order in which they ended. */
  synchronized List<ShopLine.Call> explainedBy(Outage outage) {
    return failed.values().stream().filter(call -> isExplained(call, List.of(outage))).toList();
  }

  /**
   * The calls that failed though none of these explains it.
   *
   * @throws IllegalStateException if more calls failed than can be judged
   */
  synchronized List<ShopLine.Call> unexplained(List<Outage> outages) {
    if (failed.size() == MAX_FAILED) {
      throw new IllegalStateException(MAX_FAILED + " failed calls, and maybe more");
    }
    return failed.values().stream().filter(call -> !isExplained(call, outages)).toList();
  }

  /**
   * gRPC cancels what is done for a caller when that caller's call ends early, and passes that on,
   * as it passes on a caller's deadline: such a call was refused by nobody. It is explained if the
   * call it was made for failed too, in the second case by its deadline as well, and is explained
   * itself.
   */
  private boolean isExplained(ShopLine.Call call, List<Outage> outages) {
    if (outages.stream().anyMatch(outage -> outage.explains(call))) {
      return true;
    }
    ShopLine.Call madeFor = call.parent() == null ? null : failed.get(call.parent());
    return madeFor != null && endedWith(call, madeFor) && isExplained(madeFor, outages);
  }

  private static boolean endedWith(ShopLine.Call call, ShopLine.Call madeFor) {
    return switch (call.status()) {
      case "CANCELLED" -> true;
      case "DEADLINE_EXCEEDED" -> madeFor.status().equals(call.status());
      default -> false;
    };
  }

  /** Whether a call from one service to another began after an instant and succeeded. */
  synchronized boolean hasSuccessAfter(String caller, String callee, Instant after) {
    ShopLine.Call last = lastSuccess.get(new Route(caller, callee));
    return last != null && last.startedAt().isAfter(after);
  }
}
