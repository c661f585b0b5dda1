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
 */
public record Containment(
    Head containment,
    PlaybookRef playbook,
    Target target,
    List<String> detections,
    List<Step> steps,
    Recovery recovery)
    implements Event {
  /** How many detections one containment lists; later ones are counted only. */
  public static final int MAX_DETECTIONS = 100;

  public Containment {
    detections = List.copyOf(detections);
    steps = List.copyOf(steps);
    if (detections.isEmpty() || detections.size() > MAX_DETECTIONS) {
      throw new IllegalArgumentException(
          "detections has " + detections.size() + " items: expected 1 to " + MAX_DETECTIONS);
    }
  }

  /**
   * The state.
   *
   * @param sequence how many transitions there have been
   * @param planDigest SHA-256 of the plan, in hexadecimal
   * @param triggeredAt event time of the detection that began it
   * @param joined how many detections there have been
   * @param lastTransition SHA-256 of the last transition's JSON
   */
  public record Head(
      String id,
      ContainmentState state,
      ResponseMode mode,
      long sequence,
      @Nullable String reason,
      @Nullable String planDigest,
      Instant triggeredAt,
      Instant createdAt,
      Instant updatedAt,
      long joined,
      @Nullable String lastTransition) {
    public Head {
      Require.text(id, "containment.id");
    }
  }

  /**
   * A step of the plan.
   *
   * @param action the action's name, such as {@code workload.scale}
   * @param parameters the action's parameters, resolved
   * @param prior what the inverse needs, stored before the act
   * @param verification what was seen of its effect
   */
  public record Step(
      String action,
      ObjectNode parameters,
      StepState state,
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

  /** What a verification saw, and when. */
  public record Verification(Level level, boolean passed, String detail, Instant at) {}

  /** How the containment ends. */
  public enum RecoveryMode {
    MANUAL,
    AUTO
  }

  /**
   * The way back.
   *
   * @param healthySince since when the automatic recovery's conditions have held
   * @param releasedBy key id of the approver that released it
   */
  public record Recovery(
      RecoveryMode mode,
      @Nullable Instant healthySince,
      @Nullable String releasedBy,
      @Nullable String reason) {}
}
