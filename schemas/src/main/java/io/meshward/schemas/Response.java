package io.meshward.schemas;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One transition of one containment, kept for audit: kind {@code response}.
 *
 * @param detectionId the detection that caused it, or that began the containment
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
   * @param to the state after; the same as {@code from} where only a step or a fact changed
   * @param actor who caused it: {@code responder}, or the key id of an approver
   * @param planDigest SHA-256 of the plan, in hexadecimal
   * @param previous SHA-256, in hexadecimal, of the JSON of the containment's previous response: a
   *     chain that shows gaps; absent for the first
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
      String planDigest,
      @Nullable String previous) {
    public Transition {
      Require.text(containment, "response.containment");
      if (sequence < 1) {
        throw new IllegalArgumentException(
            "response.sequence is " + sequence + ": expected 1 or more");
      }
      if ((sequence == 1) != (previous == null)) {
        throw new IllegalArgumentException(
            "response.previous is " + previous + ": expected it for every sequence but 1");
      }
    }
  }

  /**
   * What became of a step.
   *
   * @param index its place in the plan, from 0
   * @param detail in words
   * @param prior what the inverse needs
   * @param verification what was seen of its effect
   */
  public record StepChange(
      int index,
      String action,
      StepState state,
      @Nullable String detail,
      @Nullable ObjectNode prior,
      Containment.@Nullable Verification verification) {}
}
