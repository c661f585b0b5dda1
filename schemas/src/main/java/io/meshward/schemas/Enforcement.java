package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What a peer did about a hold: kind {@code enforcement}. */
public record Enforcement(Applied enforcement, Subject subject, LocalWorkload local)
    implements Event {

  /** What was done. */
  public enum Outcome {
    /** The subject is refused from now on. */
    APPLIED,
    /** The hold is gone here; the subject is served unless another hold lives. */
    RELEASED,
    /**
     * The subject is protected here, or takes in an identity that is, which was not refused. Others
     * that it takes in are refused all the same.
     */
    REFUSED_PROTECTED
  }

  /**
   * The report.
   *
   * @param connectionsCut how many live connections were cut
   * @param at when, by the reporter's clock
   * @param holdPlacedAt when the hold was placed, by its writer's clock
   */
  public record Applied(
      String containment,
      Outcome outcome,
      int connectionsCut,
      Instant at,
      @Nullable Instant holdPlacedAt) {
    public Applied {
      Require.text(containment, "enforcement.containment");
      Require.notNegative(connectionsCut, "enforcement.connections_cut");
    }
  }
}
