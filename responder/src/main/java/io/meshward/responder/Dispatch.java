package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.StepState;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Knows which operations the stages call for, which of them run, and when to try one again. One
 * that changes something runs at a time for each target. What it remembers beside the stages only
 * spares a look or a wait, and may be lost. Not thread-safe.
 */
final class Dispatch {
  private static final Duration FIRST_RETRY = Duration.ofMillis(250);
  private static final Duration LONGEST_RETRY = Duration.ofSeconds(15);

  private final Casebook book;
  private final Gate gate;
  private final InstantSource clock;
  private final Duration giveUpAfter;
  private final Set<StepRef> running = new HashSet<>();
  private final Set<StepRef> fresh = new HashSet<>();
  private final Map<StepRef, Preparation.Ready> prepared = new HashMap<>();
  private final Map<StepRef, Wait> waiting = new HashMap<>();

  private record Wait(Instant until, Duration last) {}

  Dispatch(Casebook book, Gate gate, InstantSource clock, Duration giveUpAfter) {
    this.book = book;
    this.gate = gate;
    this.clock = clock;
    this.giveUpAfter = giveUpAfter;
  }

  /** A step was intended just now: its first try need not look whether it was done before. */
  void fresh(StepRef ref) {
    fresh.add(ref);
  }

  /** What a step needs to know was read. */
  void prepared(StepRef ref, Preparation.Ready ready) {
    waiting.remove(ref);
    prepared.put(ref, ready);
  }

  /** What was read for a step, once. */
  Optional<Preparation.Ready> takePrepared(StepRef ref) {
    return Optional.ofNullable(prepared.remove(ref));
  }

  /** An operation came to its end. */
  void returned(Operation operation) {
    running.remove(operation.ref());
  }

  /** Schedules another try; false if it was tried for long enough. */
  boolean later(Stage stage, StepRef ref) {
    Instant now = clock.instant();
    if (!now.isBefore(stage.step(ref.index()).since().plus(giveUpAfter))) {
      waiting.remove(ref);
      return false;
    }
    Wait before = waiting.get(ref);
    Duration wait = before == null ? FIRST_RETRY : before.last().multipliedBy(2);
    Duration bounded = wait.compareTo(LONGEST_RETRY) > 0 ? LONGEST_RETRY : wait;
    waiting.put(ref, new Wait(now.plus(bounded), bounded));
    return true;
  }

  /** What another containment of the same target stored before it did the same. */
  private @Nullable ObjectNode memory(StepRef ref, String action) {
    return book.sameTarget(ref.containment()).stream()
        .filter(stage -> !stage.id().equals(ref.containment()) && !(stage instanceof Ended))
        .flatMap(stage -> stage.containment().steps().stream())
        .filter(step -> step.action().equals(action) && Stage.mayHaveActed(step))
        .map(Step::prior)
        .filter(prior -> prior != null)
        .findFirst()
        .orElse(null);
  }

  /** Whether another step on the cluster is under way for the same target. */
  boolean busy(StepRef ref) {
    for (Stage stage : book.sameTarget(ref.containment())) {
      for (int i = 0; i < stage.containment().steps().size(); i++) {
        StepRef other = new StepRef(stage.id(), i);
        Step step = stage.step(i);
        boolean underWay =
            ActionName.needsWorkload(step.action())
                && (running.contains(other)
                    || step.state() == StepState.UNDOING
                    || (step.state() == StepState.INTENDED && stage instanceof Executing));
        if (underWay && !other.equals(ref)) {
          return true;
        }
      }
    }
    return running.contains(ref);
  }

  /** What an action is told about a step. */
  StepContext context(Stage stage, int index) {
    Step step = stage.step(index);
    StepRef ref = new StepRef(stage.id(), index);
    return new StepContext(
        stage.id(),
        stage.containment().target(),
        step.parameters(),
        Duration.ofMillis(step.timeoutMs()),
        // What was released is undone whatever the control topic says.
        () -> stage instanceof Recovering || gate.mayAct(stage.containment()),
        memory(ref, step.action()));
  }

  /** The operations that are due and not running. */
  List<Operation> due() {
    Instant now = clock.instant();
    List<Operation> due = new ArrayList<>();
    for (Stage stage : book.inMotion()) {
      for (int i = 0; i < stage.containment().steps().size(); i++) {
        StepRef ref = new StepRef(stage.id(), i);
        Wait wait = waiting.get(ref);
        if (running.contains(ref) || (wait != null && now.isBefore(wait.until()))) {
          continue;
        }
        Operation operation = due(stage, ref);
        if (operation != null) {
          running.add(ref);
          due.add(operation);
        }
      }
    }
    return due;
  }

  private @Nullable Operation due(Stage stage, StepRef ref) {
    Step step = stage.step(ref.index());
    boolean cluster = ActionName.needsWorkload(step.action());
    ObjectNode prior = step.prior();
    return switch (stage) {
      case Planning planning ->
          ref.index() == 0
              ? new Operation.LayOpen(
                  ref,
                  planning.containment(),
                  planning.containment().containment().mode() == ResponseMode.DRYRUN)
              : null;
      case Executing executing when step.state() == StepState.PENDING ->
          cluster && isNext(executing, ref) && !busy(ref) && !prepared.containsKey(ref)
              ? new Operation.Prepare(ref, step.action(), context(stage, ref.index()))
              : null;
      case Executing executing when step.state() == StepState.INTENDED -> {
        if (step.action().equals(ActionName.NOTIFY)) {
          yield new Operation.Tell(ref, executing.containment());
        }
        yield cluster && prior != null && gate.mayAct(executing.containment())
            ? new Operation.Act(
                ref, step.action(), context(stage, ref.index()), prior, !fresh.remove(ref))
            : null;
      }
      case Verifying verifying when step.state() == StepState.DONE && cluster && prior != null ->
          new Operation.Verify(
              ref,
              step.action(),
              new StepContext(
                  stage.id(),
                  stage.containment().target(),
                  step.parameters(),
                  Duration.ofMillis(verifying.containment().containment().verifyWithinMs()),
                  () -> true,
                  null),
              prior);
      case Verifying verifying
          when step.state() == StepState.INTENDED && step.action().equals(ActionName.NOTIFY) ->
          new Operation.Tell(ref, verifying.containment());
      case Recovering _ when step.state() == StepState.UNDOING && cluster && prior != null ->
          new Operation.Undo(ref, step.action(), context(stage, ref.index()), prior);
      case Executing _, Verifying _, Recovering _, AwaitingApproval _, Held _, Ended _ -> null;
    };
  }

  private boolean isNext(Executing executing, StepRef ref) {
    return Steps.first(executing, Steps::blocks) < 0
        && Steps.first(executing, step -> step.state() == StepState.PENDING) == ref.index()
        && gate.mayAct(executing.containment());
  }
}
