package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.StepState;
import java.time.Instant;
import java.util.Optional;

/** Takes the way back: undoes what was done, and releases what was held. Not thread-safe. */
final class Undoing {
  private final ProgressContext context;

  Undoing(ProgressContext context) {
    this.context = context;
  }

  /** Holds first, so that what comes back can speak; then everything else, last done first. */
  boolean recover(Recovering recovering, Batch batch) {
    Instant now = context.now();
    int hold = Steps.last(recovering, step -> step.action().equals(Holds.NAME));
    int next = hold >= 0 ? hold : Steps.last(recovering, step -> true);
    if (next < 0) {
      context.record(recovering.recovered(now), batch);
      return true;
    }
    Step step = recovering.step(next);
    StepRef ref = new StepRef(recovering.id(), next);
    if (step.action().equals(Holds.NAME)) {
      return release(recovering, next, batch);
    }
    if (step.state() == StepState.UNDOING || context.dispatch().busy(ref)) {
      return false;
    }
    Transition<Recovering> undoing = recovering.undoing(next, StepFacts.none(), now);
    context.record(undoing, batch);
    Optional<String> holder = otherHolder(ref, step.action());
    if (holder.isPresent()) {
      context.record(
          undoing.stage().undone(next, "left as it is: " + holder.get() + " needs it too", now),
          batch);
    } else if (step.prior() == null) {
      context.record(undoing.stage().undone(next, "it never came so far", now), batch);
    }
    return true;
  }

  private boolean release(Recovering recovering, int next, Batch batch) {
    Instant now = context.now();
    Step step = recovering.step(next);
    QuarantineKey key = Holds.key(recovering.id(), step);
    if (step.state() != StepState.UNDOING) {
      batch.release(key);
      context.record(recovering.undoing(next, StepFacts.none(), now), batch);
      return true;
    }
    Peers.Report report = context.surroundings().peers(recovering.id());
    boolean late = !now.isBefore(step.since().plus(Holds.PEER_GRACE));
    if (context.surroundings().onTopic(key) || (report.living() > 0 && !late)) {
      return false;
    }
    context.record(
        recovering.undone(
            next,
            "the hold is released; "
                + report.released()
                + " of "
                + (report.released() + report.living())
                + " peers serve again",
            now),
        batch);
    return true;
  }

  /** Another containment of the same target that still relies on the same action. */
  private Optional<String> otherHolder(StepRef ref, String action) {
    if (!action.equals(ScaleAction.NAME)) {
      return Optional.empty();
    }
    return context.book().sameTarget(ref.containment()).stream()
        .filter(stage -> !stage.id().equals(ref.containment()))
        .filter(stage -> stage instanceof Releasable)
        .filter(
            stage ->
                stage.containment().steps().stream()
                    .anyMatch(step -> step.action().equals(action) && Stage.mayHaveActed(step)))
        .map(Stage::id)
        .findFirst();
  }

  /** What came of a try to undo a step. */
  void undone(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    if (!(stage instanceof Recovering recovering)
        || stage.step(ref.index()).state() != StepState.UNDOING) {
      return;
    }
    Instant now = context.now();
    switch (outcome) {
      case Outcome.Done(String words) ->
          context.record(recovering.undone(ref.index(), words, now), batch);
      case Outcome.Changed(ObjectNode prior, String diff) ->
          context.record(
              context.tooLate(stage, ref)
                  ? recovering.stuck(ref.index(), context.gaveUp("it changes all the time"), now)
                  : recovering.undoing(ref.index(), StepFacts.prior(prior, diff), now),
              batch);
      case Outcome.Failed(String reason) ->
          context.record(recovering.stuck(ref.index(), reason, now), batch);
      case Outcome.Later(String reason) -> {
        if (!context.dispatch().later(stage, ref)) {
          context.record(recovering.stuck(ref.index(), context.gaveUp(reason), now), batch);
        }
      }
    }
  }
}
