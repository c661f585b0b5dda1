package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Plan;
import io.meshward.schemas.Work;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Takes each containment as far as it goes without waiting: the transitions that follow from where
 * it stands and from what came of its operations. Not thread-safe.
 */
final class Progress {
  private final ProgressContext context;
  private final Execution execution;
  private final Verifier verifier;
  private final Watch watch;
  private final Undoing undoing;

  Progress(ProgressContext context) {
    this.context = context;
    this.execution = new Execution(context);
    this.verifier = new Verifier(context);
    this.watch = new Watch(context);
    this.undoing = new Undoing(context);
  }

  /** Writes a transition. */
  void record(Transition<?> transition, Batch batch) {
    context.record(transition, batch);
  }

  /**
   * Adds a detection to a containment, and makes its holds stronger where that is needed and nobody
   * has to be asked about it.
   */
  void join(Live live, Work work, Batch batch) {
    Detection detection = work.detection();
    Instant misused = detection.svid() == null ? null : detection.svid().notBefore();
    Instant now = context.now();
    List<Step> steps = new ArrayList<>(live.containment().steps());
    List<Plan.Step> wanted = work.plan().steps();
    boolean acts =
        live.containment().containment().actedAt() != null && work.plan().approval() == null;
    for (int i = 0; acts && i < steps.size() && i < wanted.size(); i++) {
      Step step = steps.get(i);
      if (step.action().equals(Holds.NAME) && Stage.mayHaveActed(step)) {
        Optional<ObjectNode> stronger =
            Holds.strengthened(step, wanted.get(i).parameters(), misused);
        if (stronger.isPresent()) {
          steps.set(i, withParameters(step, stronger.get()));
          batch.place(Holds.hold(live.containment(), steps.get(i), now));
        }
      }
    }
    context.record(
        live.joined(detection.detection().id(), detection.detection().time(), steps, now), batch);
  }

  private static Step withParameters(Step step, ObjectNode parameters) {
    return new Step(
        step.action(),
        parameters,
        step.onError(),
        step.timeoutMs(),
        step.state(),
        step.since(),
        step.diff(),
        step.prior(),
        step.verification(),
        step.error());
  }

  /** Takes every containment of a target as far as it goes. */
  void advanceTarget(String id, Batch batch) {
    for (Stage stage : context.book().sameTarget(id)) {
      advance(stage.id(), batch);
    }
  }

  /** Takes a containment as far as it goes. */
  void advance(String id, Batch batch) {
    boolean moved = true;
    while (moved) {
      Stage stage = context.book().get(id);
      moved =
          switch (stage) {
            case null -> false;
            case Planning _, Ended _ -> false;
            case AwaitingApproval awaiting -> expire(awaiting, batch);
            case Executing executing -> execution.execute(executing, batch);
            case Verifying verifying -> verifier.verify(verifying, batch);
            case Held held -> watch.watch(held, batch);
            case Recovering recovering -> undoing.recover(recovering, batch);
          };
    }
  }

  private boolean expire(AwaitingApproval awaiting, Batch batch) {
    Instant deadline = awaiting.containment().containment().approveBy();
    if (deadline == null || context.now().isBefore(deadline)) {
      return false;
    }
    context.record(awaiting.expired(context.now()), batch);
    return true;
  }

  /** What was read for a step. */
  void prepared(Stage stage, StepRef ref, Preparation preparation, Batch batch) {
    execution.prepared(stage, ref, preparation, batch);
  }

  /** What came of a try to do a step. */
  void acted(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    execution.acted(stage, ref, outcome, batch);
  }

  /** What came of a try to undo a step. */
  void undone(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    undoing.undone(stage, ref, outcome, batch);
  }
}
