package io.meshward.schemas;

import java.time.Instant;
import java.util.List;

/**
 * How risky an identity is held to be, for policies that look at {@code risk.score}: kind {@code
 * risk}. It says nothing after its end; its writer renews it while it holds.
 */
public record Risk(Score risk) implements Event {

  /**
   * The score.
   *
   * @param score from 0, nothing is known against the identity, to 1
   * @param reasons what raised it, such as names of rules
   * @param assessedAt when it was computed
   * @param validUntil from when on it is stale, judged by the reader's clock
   */
  public record Score(
      SpiffeId id, double score, List<String> reasons, Instant assessedAt, Instant validUntil) {
    public Score {
      if (!(score >= 0 && score <= 1)) {
        throw new IllegalArgumentException(
            "risk.score is " + score + ": expected a number from 0 to 1");
      }
      reasons = List.copyOf(reasons);
      if (!validUntil.isAfter(assessedAt)) {
        throw new IllegalArgumentException(
            "risk.valid_until is " + validUntil + ": expected it after risk.assessed_at");
      }
    }
  }
}
