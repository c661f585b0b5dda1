package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.StepState;
import java.time.Instant;
import java.util.Optional;

/** Does the steps of a plan, one after the other. Not thread-safe. */
final class Execution {
  private final ProgressContext context;

  Execution(ProgressContext context) {
    this.context = context;
  }

  /** Takes the next step, if one is to be taken now. */
  boolean execute(Executing executing, Batch batch) {
    Instant now = context.now();
    Containment containment = executing.containment();
    if (Steps.first(executing, Steps::blocks) >= 0) {
      return false;
    }
    int next = Steps.first(executing, step -> step.state() == StepState.PENDING);
    if (next < 0) {
      boolean nothing =
          containment.steps().stream()
              .noneMatch(step -> Stage.mayHaveActed(step) || step.state() == StepState.INTENDED);
      context.record(
          nothing ? executing.failed(Lacking.of(containment), now) : executing.verifying(now),
          batch);
      return true;
    }
    if (!context.gate().mayAct(containment)) {
      return false;
    }
    Step step = executing.step(next);
    return switch (step.action()) {
      case Holds.NAME -> {
        Quarantine hold = Holds.hold(containment, step, now);
        batch.place(hold);
        String diff = Holds.diff(hold.subject(), context.surroundings().fanOut(hold.subject()));
        Transition<Executing> intended = executing.intend(next, StepFacts.diff(diff), now);
        context.record(intended, batch);
        context.record(
            intended.stage().done(next, StepFacts.words("the hold is placed"), now), batch);
        yield true;
      }
      case ActionName.NOTIFY -> {
        context.record(executing.intend(next, StepFacts.none(), now), batch);
        yield true;
      }
      default -> intend(executing, next, batch);
    };
  }

  /** A step on the cluster: what its inverse needs is stored, once it is known and in turn. */
  private boolean intend(Executing executing, int next, Batch batch) {
    StepRef ref = new StepRef(executing.id(), next);
    if (context.dispatch().busy(ref)) {
      return false;
    }
    Optional<Preparation.Ready> ready =
        context
            .dispatch()
            .takePrepared(ref)
            .or(
                () ->
                    context
                        .surroundings()
                        .action(executing.step(next).action())
                        .foresee(context.dispatch().context(executing, next)));
    if (ready.isEmpty()) {
      return false;
    }
    context.record(
        executing.intend(
            next, StepFacts.prior(ready.get().prior(), ready.get().diff()), context.now()),
        batch);
    context.dispatch().fresh(ref);
    return true;
  }

  /** What was read for a step. */
  void prepared(Stage stage, StepRef ref, Preparation preparation, Batch batch) {
    if (!(stage instanceof Executing executing)
        || stage.step(ref.index()).state() != StepState.PENDING) {
      return;
    }
    switch (preparation) {
      case Preparation.Ready ready -> {
        context.dispatch().prepared(ref, ready);
      }
      case Preparation.Impossible(String reason) ->
          context.record(executing.fail(ref.index(), reason, context.now()), batch);
      case Preparation.Later(String reason) -> {
        if (!context.dispatch().later(stage, ref)) {
          context.record(executing.fail(ref.index(), context.gaveUp(reason), context.now()), batch);
        }
      }
    }
  }

  /** What came of a try to do a step. */
  void acted(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    if (!(stage instanceof Executing executing)
        || stage.step(ref.index()).state() != StepState.INTENDED) {
      // Released meanwhile: undoing reads back what stands.
      return;
    }
    Instant now = context.now();
    switch (outcome) {
      case Outcome.Done(String words) ->
          context.record(executing.done(ref.index(), StepFacts.words(words), now), batch);
      case Outcome.Changed(ObjectNode prior, String diff) -> {
        if (context.tooLate(stage, ref)) {
          context.record(
              executing.fail(ref.index(), context.gaveUp("it changes all the time"), now), batch);
        } else {
          context.record(executing.intend(ref.index(), StepFacts.prior(prior, diff), now), batch);
          context.dispatch().fresh(ref);
        }
      }
      case Outcome.Failed(String reason) ->
          context.record(executing.fail(ref.index(), reason, now), batch);
      case Outcome.Later(String reason) -> {
        if (!context.dispatch().later(stage, ref)) {
          context.record(executing.fail(ref.index(), context.gaveUp(reason), now), batch);
        }
      }
    }
  }
}
