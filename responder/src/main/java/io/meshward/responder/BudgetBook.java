package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How often containments began by themselves. One process books at once; what others did counts as
 * soon as it is read from the topic. Thread-safe.
 */
final class BudgetBook {
  private static final int MAX_ENTRIES = 10_000;

  private final Plan.Budget cluster;
  private final Map<String, Booking> entries =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Booking> eldest) {
          return size() > MAX_ENTRIES;
        }
      };

  private record Booking(String playbook, Instant at) {}

  /** A book in which all of the cluster's containments share a budget. */
  BudgetBook(Plan.Budget cluster) {
    this.cluster = cluster;
  }

  /** A containment as the topic tells it. */
  synchronized void seen(Containment containment) {
    Instant actedAt = containment.containment().actedAt();
    if (actedAt != null && containment.containment().mode() == ResponseMode.ENFORCE) {
      entries.put(
          containment.containment().id(), new Booking(containment.playbook().name(), actedAt));
    }
  }

  /**
   * Books a containment, if the budgets allow it.
   *
   * @param playbook whose own budget counts too, if it has one
   * @return why not; empty if it is booked
   */
  synchronized Optional<String> book(
      String containment, String playbook, Plan.@Nullable Budget own, Instant now) {
    if (entries.containsKey(containment)) {
      return Optional.empty();
    }
    long all = count(cluster, now, null);
    if (all >= cluster.containments()) {
      return Optional.of(exceeded("the cluster", cluster));
    }
    if (own != null && count(own, now, playbook) >= own.containments()) {
      return Optional.of(exceeded("the playbook", own));
    }
    entries.put(containment, new Booking(playbook, now));
    return Optional.empty();
  }

  private long count(Plan.Budget budget, Instant now, @Nullable String playbook) {
    Instant start = budget.windowStart(now);
    return entries.values().stream()
        .filter(entry -> entry.at().isAfter(start))
        .filter(entry -> playbook == null || entry.playbook().equals(playbook))
        .count();
  }

  private static String exceeded(String whose, Plan.Budget budget) {
    return "the budget of "
        + whose
        + " is used up: "
        + budget.containments()
        + " containments in "
        + budget.windowMs() / 1000
        + " s";
  }
}
