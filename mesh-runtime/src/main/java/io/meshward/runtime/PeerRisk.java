package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import org.jspecify.annotations.Nullable;

/**
 * Scores for one call: its peer's is looked up once, so that its event tells what it was decided
 * by. Immutable.
 */
record PeerRisk(RiskSource source, SpiffeId peer, double peerScore) implements RiskSource {

  /** For a call that somebody decides about by scores. */
  static PeerRisk of(RiskSource source, SpiffeId peer) {
    return new PeerRisk(source, peer, source.score(peer));
  }

  @Override
  public double score(SpiffeId id) {
    return id.equals(peer) ? peerScore : source.score(id);
  }

  /** The peer's score as events have it; nothing if it is unknown, or if nobody asks. */
  static @Nullable Double known(RiskSource asked) {
    return asked instanceof PeerRisk risk && !Double.isNaN(risk.peerScore)
        ? (Double) risk.peerScore
        : null;
  }
}
