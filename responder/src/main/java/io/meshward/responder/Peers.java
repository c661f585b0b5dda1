package io.meshward.responder;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.LocalWorkload;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What peers reported about the holds of each containment. Bounded: the oldest containments go
 * first, and further peers of one containment are not told apart. Thread-safe.
 */
final class Peers {
  private static final int MAX_CONTAINMENTS = 1000;
  private static final int MAX_PEERS = 10_000;

  private final Map<String, Map<String, Enforcement.Applied>> reports =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(
            Map.Entry<String, Map<String, Enforcement.Applied>> eldest) {
          return size() > MAX_CONTAINMENTS;
        }
      };

  /**
   * The sum of the last reports of all peers.
   *
   * @param applied how many refuse the subject
   * @param released how many refused it and do no longer
   * @param refused how many protect the subject
   * @param connectionsCut how many connections were cut
   */
  record Report(int applied, int released, int refused, long connectionsCut) {}

  /** A peer reported. */
  synchronized void add(Enforcement report) {
    Map<String, Enforcement.Applied> peers =
        reports.computeIfAbsent(report.enforcement().containment(), id -> new HashMap<>());
    String peer = name(report.local());
    if (peers.size() < MAX_PEERS || peers.containsKey(peer)) {
      peers.merge(peer, report.enforcement(), Peers::latest);
    }
  }

  /** A peer that applies a hold again, since it cut further connections, has cut them all. */
  private static Enforcement.Applied latest(Enforcement.Applied before, Enforcement.Applied now) {
    return before.outcome() == Outcome.APPLIED && now.outcome() == Outcome.APPLIED
        ? new Enforcement.Applied(
            now.containment(),
            now.outcome(),
            before.connectionsCut() + now.connectionsCut(),
            now.at(),
            now.holdPlacedAt())
        : now;
  }

  /** What the peers of a containment reported last. */
  synchronized Report of(String containment) {
    int applied = 0;
    int released = 0;
    int refused = 0;
    long cut = 0;
    for (Enforcement.Applied last : reports.getOrDefault(containment, Map.of()).values()) {
      cut += last.connectionsCut();
      switch (last.outcome()) {
        case APPLIED -> applied++;
        case RELEASED -> released++;
        case REFUSED_PROTECTED -> refused++;
      }
    }
    return new Report(applied, released, refused, cut);
  }

  private static String name(LocalWorkload peer) {
    return peer.id() + "|" + peer.node() + "|" + peer.pod() + "|" + peer.instance();
  }
}
