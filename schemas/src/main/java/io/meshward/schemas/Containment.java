package io.meshward.schemas;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The current state of one containment, from which its responder can go on after any interruption:
 * kind {@code containment}.
 *
 * @param detections the ids of the detections it answers; the first one began it, later ones
 *     joined; at most {@value #MAX_DETECTIONS}
 * @param steps the plan, with what was stored before each step and what came of it
 * @param approvals the ids of the signed statements that counted; each counts once
 */
public record Containment(
    Head containment,
    PlaybookRef playbook,
    Target target,
    List<String> detections,
    List<Step> steps,
    Recovery recovery,
    List<String> approvals)
    implements Event {
  /** How many detections one containment lists; later ones are counted only. */
  public static final int MAX_DETECTIONS = 100;

  public Containment {
    detections = List.copyOf(detections);
    steps = List.copyOf(steps);
    approvals = List.copyOf(approvals);
    if (detections.isEmpty() || detections.size() > MAX_DETECTIONS) {
      throw new IllegalArgumentException(
          "detections has " + detections.size() + " items: expected 1 to " + MAX_DETECTIONS);
    }
  }

  /**
   * The state.
   *
   * @param mode how far it may go
   * @param sequence how many transitions there have been
   * @param reason why it is in its state, where that does not go without saying
   * @param planDigest SHA-256 of the plan, in hexadecimal
   * @param triggeredAt event time of the detection that began it
   * @param lastDetectionAt event time of the last detection that began or joined it
   * @param joined how many detections there have been
   * @param actedAt when it first acted; absent if it did not
   * @param endedAt when it reached a terminal state
   * @param approveBy until when an approval is waited for
   * @param cooldownMs for how long after its end the same playbook does nothing to the same target
   * @param verifyWithinMs how long a step's effect may take to show
   * @param traceparent W3C trace context of the detection that began it
   * @param lastTransition SHA-256 of the last transition's JSON
   */
  public record Head(
      String id,
      ContainmentState state,
      ResponseMode mode,
      long sequence,
      @Nullable String reason,
      String planDigest,
      Instant triggeredAt,
      Instant lastDetectionAt,
      long joined,
      Instant createdAt,
      Instant updatedAt,
      @Nullable Instant actedAt,
      @Nullable Instant endedAt,
      @Nullable Instant approveBy,
      long cooldownMs,
      long verifyWithinMs,
      @Nullable String traceparent,
      String lastTransition) {
    public Head {
      Require.text(id, "containment.id");
    }
  }

  /**
   * A step of the plan.
   *
   * @param action the action's name, such as {@code workload.scale}
   * @param parameters the action's parameters, resolved
   * @param onError what its failure means for the steps after it
   * @param timeoutMs how long it may take
   * @param since when it entered its state
   * @param diff what it changes, for people
   * @param prior what the inverse needs, stored before the act
   * @param verification what was seen of its effect
   * @param error what went wrong, or why it was skipped
   */
  public record Step(
      String action,
      ObjectNode parameters,
      ErrorPolicy onError,
      long timeoutMs,
      StepState state,
      Instant since,
      @Nullable String diff,
      @Nullable ObjectNode prior,
      @Nullable Verification verification,
      @Nullable String error) {
    public Step {
      Require.text(action, "steps.action");
    }
  }

  /** Whether a verification saw the effect itself or only the configuration that should have it. */
  public enum Level {
    EFFECT,
    CONFIGURATION,
    NONE
  }

  /**
   * What a verification saw, and when.
   *
   * @param facts what it saw, for machines: counts and names that depend on the action
   */
  public record Verification(
      Level level, boolean passed, String detail, Instant at, @Nullable ObjectNode facts) {}

  /** How the containment ends. */
  public enum RecoveryMode {
    MANUAL,
    AUTO
  }

  /**
   * The way back.
   *
   * @param plan when it is taken
   * @param healthySince since when the automatic recovery's conditions have held
   * @param releasedBy key id of the approver that released it, or {@code responder}
   * @param reason why it was released
   */
  public record Recovery(
      Plan.Recovery plan,
      @Nullable Instant healthySince,
      @Nullable String releasedBy,
      @Nullable String reason) {}
}
