package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Head;
import io.meshward.schemas.Containment.Recovery;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Response;
import io.meshward.schemas.StepState;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The next version of a containment while a transition is being put together. Used by {@link Stage}
 * only; not thread-safe.
 */
final class Draft {
  /** The actor of every transition that no person caused. */
  static final String RESPONDER = "responder";

  private final Containment before;
  private final Instant at;
  private final List<Step> steps;
  private final List<String> detections;
  private final List<String> approvals;
  private ContainmentState state;
  private @Nullable String reason;
  private Recovery recovery;
  private String actor = RESPONDER;
  private String detection;
  private @Nullable String note;
  private Instant lastDetectionAt;
  private long joined;
  private @Nullable Instant actedAt;
  private @Nullable Instant approveBy;
  private Response.@Nullable StepChange change;

  Draft(Containment before, Instant at) {
    this.before = before;
    this.at = at;
    this.steps = new ArrayList<>(before.steps());
    this.detections = new ArrayList<>(before.detections());
    this.approvals = new ArrayList<>(before.approvals());
    Head head = before.containment();
    this.state = head.state();
    this.reason = head.reason();
    this.recovery = before.recovery();
    this.detection = before.detections().get(0);
    this.lastDetectionAt = head.lastDetectionAt();
    this.joined = head.joined();
    this.actedAt = head.actedAt();
    this.approveBy = head.approveBy();
  }

  /** Moves to a state, for a reason where that does not go without saying. */
  Draft to(ContainmentState next, @Nullable String why) {
    state = next;
    reason = why;
    return this;
  }

  /** Says who caused this, if not the responder. */
  Draft by(String who) {
    actor = who;
    return this;
  }

  /** Says in words what the audit should tell beyond the states. */
  Draft note(@Nullable String words) {
    note = words;
    return this;
  }

  Draft acted() {
    actedAt = actedAt == null ? at : actedAt;
    return this;
  }

  Draft approveBy(Instant deadline) {
    approveBy = deadline;
    return this;
  }

  Draft approval(String statement) {
    approvals.add(statement);
    return this;
  }

  Draft detected(String id, Instant time) {
    detection = id;
    joined++;
    lastDetectionAt = time.isAfter(lastDetectionAt) ? time : lastDetectionAt;
    if (detections.size() < Containment.MAX_DETECTIONS) {
      detections.add(id);
    }
    return this;
  }

  Draft recovery(Recovery next) {
    recovery = next;
    return this;
  }

  /** Replaces what is known of all steps; their states stay. */
  Draft steps(List<Step> next) {
    steps.clear();
    steps.addAll(next);
    return this;
  }

  /** Changes one step, which becomes what the transition is about. */
  Draft step(int index, StepState next, StepFacts facts) {
    Step old = steps.get(index);
    ObjectNode prior = facts.prior() != null ? facts.prior() : old.prior();
    Verification seen = facts.verification() != null ? facts.verification() : old.verification();
    steps.set(
        index,
        new Step(
            old.action(),
            facts.parameters() != null ? facts.parameters() : old.parameters(),
            old.onError(),
            old.timeoutMs(),
            next,
            next == old.state() ? old.since() : at,
            facts.diff() != null ? facts.diff() : old.diff(),
            prior,
            seen,
            facts.error()));
    change =
        new Response.StepChange(
            index, old.action(), next, facts.words(), facts.prior(), facts.verification());
    return this;
  }

  /** Skips every step that was not begun. */
  Draft skipPending(String why) {
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      if (step.state() == StepState.PENDING) {
        steps.set(
            i,
            new Step(
                step.action(),
                step.parameters(),
                step.onError(),
                step.timeoutMs(),
                StepState.SKIPPED,
                at,
                step.diff(),
                step.prior(),
                step.verification(),
                why));
      }
    }
    return this;
  }

  /** The transition, with its response chained to the previous one. */
  <S extends Stage> Transition<S> write(Function<Containment, S> stage) {
    Head head = before.containment();
    boolean first = head.sequence() == 0;
    Response response =
        new Response(
            new Response.Transition(
                head.id(),
                head.sequence() + 1,
                first ? null : head.state(),
                state,
                at,
                actor,
                note != null ? note : reason,
                head.mode(),
                head.planDigest(),
                first ? null : head.lastTransition()),
            before.playbook(),
            before.target(),
            detection,
            change);
    Containment after =
        new Containment(
            new Head(
                head.id(),
                state,
                head.mode(),
                head.sequence() + 1,
                reason,
                head.planDigest(),
                head.triggeredAt(),
                lastDetectionAt,
                joined,
                head.createdAt(),
                at,
                actedAt,
                state.terminal() ? (head.endedAt() == null ? at : head.endedAt()) : null,
                approveBy,
                head.cooldownMs(),
                head.verifyWithinMs(),
                head.traceparent(),
                sha256(EventCodec.encode(response))),
            before.playbook(),
            before.target(),
            detections,
            steps,
            recovery,
            approvals);
    return new Transition<>(stage.apply(after), response);
  }

  /** SHA-256 in hexadecimal. */
  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
