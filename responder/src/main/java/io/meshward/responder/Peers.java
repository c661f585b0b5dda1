package io.meshward.responder;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.Subject;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What peers reported about the holds of each containment. Bounded: the oldest containments go
 * first, and further peers of one containment are not told apart. Thread-safe.
 */
final class Peers {
  private static final int MAX_CONTAINMENTS = 1000;
  private static final int MAX_PEERS = 10_000;

  private final Map<String, Map<LocalWorkload, Enforcement.Applied>> reports =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(
            Map.Entry<String, Map<LocalWorkload, Enforcement.Applied>> eldest) {
          return size() > MAX_CONTAINMENTS;
        }
      };

  /**
   * The sum of the last reports of all peers.
   *
   * @param applied how many refuse the subject
   * @param living how many of these have not gone since
   * @param released how many refused it and do no longer
   * @param refused how many protect the subject
   * @param connectionsCut how many connections were cut
   */
  record Report(int applied, int living, int released, int refused, long connectionsCut) {}

  /** A peer reported. */
  synchronized void add(Enforcement report) {
    Map<LocalWorkload, Enforcement.Applied> peers =
        reports.computeIfAbsent(report.enforcement().containment(), id -> new HashMap<>());
    if (peers.size() < MAX_PEERS || peers.containsKey(report.local())) {
      peers.merge(
          report.local(),
          report.enforcement(),
          (before, now) -> latest(report.subject().kind(), before, now));
    }
  }

  /**
   * A peer that applies a hold again, since it cut further connections, has cut them all. One that
   * spares a protected identity goes on to refuse the others that a hold takes in.
   */
  private static Enforcement.Applied latest(
      Subject.Kind held, Enforcement.Applied before, Enforcement.Applied now) {
    if (before.outcome() == Outcome.APPLIED
        && now.outcome() == Outcome.REFUSED_PROTECTED
        && takesInSeveral(held)) {
      return before;
    }
    return before.outcome() == Outcome.APPLIED && now.outcome() == Outcome.APPLIED
        ? new Enforcement.Applied(
            now.containment(),
            now.outcome(),
            before.connectionsCut() + now.connectionsCut(),
            now.at(),
            now.holdPlacedAt())
        : now;
  }

  private static boolean takesInSeveral(Subject.Kind held) {
    return switch (held) {
      case PATH_PREFIX, TRUST_DOMAIN, IP -> true;
      case SPIFFE_ID, SERIAL, KEY_HASH -> false;
    };
  }

  /**
   * What the peers of a containment reported last.
   *
   * @param gone whether a peer is known to run no more
   */
  synchronized Report of(String containment, Predicate<LocalWorkload> gone) {
    int applied = 0;
    int living = 0;
    int released = 0;
    int refused = 0;
    long cut = 0;
    for (Map.Entry<LocalWorkload, Enforcement.Applied> peer :
        reports.getOrDefault(containment, Map.of()).entrySet()) {
      Enforcement.Applied last = peer.getValue();
      cut += last.connectionsCut();
      switch (last.outcome()) {
        case APPLIED -> {
          applied++;
          living += gone.test(peer.getKey()) ? 0 : 1;
        }
        case RELEASED -> released++;
        case REFUSED_PROTECTED -> refused++;
      }
    }
    return new Report(applied, living, released, refused, cut);
  }
}
