package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Head;
import io.meshward.schemas.Containment.Recovery;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.Detection;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Target;
import io.meshward.schemas.Work;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A containment before its first transition. */
final class Beginning {
  private Beginning() {}

  /**
   * The containment that a piece of work begins.
   *
   * @param mode how far it may go
   * @param relapsed whether an earlier one recovered too early: this one waits for a person
   */
  static Containment of(
      Work work, ResponseMode mode, boolean relapsed, @Nullable String traceparent, Instant now) {
    Detection.Finding detection = work.detection().detection();
    Plan plan = work.plan();
    Plan.Recovery recovery = relapsed ? Plan.Recovery.manual() : plan.recovery();
    return new Containment(
        new Head(
            work.work().containment(),
            ContainmentState.PLANNING,
            mode,
            0,
            null,
            digest(work, recovery),
            detection.time(),
            detection.time(),
            1,
            now,
            now,
            null,
            null,
            null,
            plan.cooldownMs(),
            plan.verifyWithinMs(),
            traceparent,
            ""),
        work.playbook(),
        work.target(),
        List.of(detection.id()),
        steps(work, now),
        new Recovery(recovery, null, null, null),
        List.of());
  }

  private static List<Step> steps(Work work, Instant now) {
    List<Step> steps = new ArrayList<>();
    for (Plan.Step step : work.plan().steps()) {
      StepState state = StepState.PENDING;
      String why = null;
      if (step.skipped() != null) {
        state = StepState.SKIPPED;
        why = step.skipped();
      }
      steps.add(
          new Step(
              step.action(),
              step.parameters(),
              step.onError(),
              step.timeoutMs(),
              state,
              now,
              null,
              null,
              null,
              why));
    }
    return steps;
  }

  /**
   * What an approval is bound to: the playbook's version, exactly this target, every step with its
   * parameters, and the way back.
   */
  private static String digest(Work work, Plan.Recovery recovery) {
    Target target = work.target();
    ContentHash hash =
        new ContentHash()
            .add(work.work().containment())
            .add(work.playbook().name())
            .add(work.playbook().version())
            .add(target.cluster())
            .add(target.namespace())
            .add(target.owner() == null ? null : target.owner().uid())
            .add(target.podUid())
            .add(target.spiffeId() == null ? null : target.spiffeId().toString());
    for (Plan.Step step : work.plan().steps()) {
      hash.add(step.action()).add(step.parameters()).add(step.skipped());
    }
    hash.add(EventCodec.toTree(recovery));
    return hash.hex();
  }
}
