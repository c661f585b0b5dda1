package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One transition of one containment, kept for audit: kind {@code response}.
 *
 * @param step the step it is about, if it is about one
 */
public record Response(
    Transition response,
    PlaybookRef playbook,
    Target target,
    String detectionId,
    @Nullable StepChange step)
    implements Event {

  /**
   * The transition.
   *
   * @param sequence counts the containment's transitions from 1
   * @param from the state before; absent for the first
   * @param actor who caused it: {@code responder}, or the key id of an approver
   * @param planDigest SHA-256 of the plan, in hexadecimal
   * @param previous SHA-256 of the previous transition's JSON: a chain that shows gaps
   */
  public record Transition(
      String containment,
      long sequence,
      @Nullable ContainmentState from,
      ContainmentState to,
      Instant at,
      String actor,
      @Nullable String reason,
      ResponseMode mode,
      @Nullable String planDigest,
      @Nullable String previous) {
    public Transition {
      Require.text(containment, "response.containment");
      if (sequence < 1) {
        throw new IllegalArgumentException(
            "response.sequence is " + sequence + ": expected 1 or more");
      }
    }
  }

  /** What became of a step. */
  public record StepChange(int index, String action, StepState state, @Nullable String detail) {}
}
