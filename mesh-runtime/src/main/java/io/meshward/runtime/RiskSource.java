package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;

/** How risky identities are held to be now. Thread-safe. */
public interface RiskSource extends AutoCloseable {

  /** No identity has a score: a rule that needs one never allows, and denies if it is to deny. */
  RiskSource NONE = id -> Double.NaN;

  /**
   * The score of an identity, from 0, nothing is known against it, to 1; {@link Double#NaN} if it
   * is unknown or stale. Never blocks.
   */
  double score(SpiffeId id);

  /** Begins to read, if there is something to read: some policy needs scores. Idempotent. */
  default void start() {}

  /** Milliseconds since the scores were last known to be up to date; -1 before the first time. */
  default long ageMs() {
    return 0;
  }

  @Override
  default void close() {}
}
