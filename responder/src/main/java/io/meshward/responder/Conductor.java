package io.meshward.responder;

import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.responder.Gate.Decision;
import io.meshward.schemas.Approval;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Leads the containments of one partition from stage to stage: takes inputs, writes the transitions
 * they cause into a {@link Batch}, and says afterwards which operations are due. It reads and
 * writes nothing itself; whoever drives it commits the batch before it starts an operation, and
 * throws it away, with all it knows, when a commit fails. Not thread-safe.
 */
final class Conductor {
  /** For how long an ended containment is kept. */
  private static final Duration KEEP = Duration.ofDays(7);

  private static final Duration LOOK = Duration.ofMillis(500);
  private static final Duration FORGET = Duration.ofMinutes(1);

  private final Casebook book = new Casebook();
  private final Gate gate;
  private final ApprovalCheck approvals;
  private final Dispatch dispatch;
  private final Progress progress;
  private final InstantSource clock;
  private final Duration approvalTimeout;
  private Instant nextLook = Instant.MIN;
  private Instant nextForget = Instant.MIN;

  Conductor(
      Gate gate,
      ApprovalCheck approvals,
      ProgressContext.Surroundings surroundings,
      InstantSource clock,
      ResponderConfig config) {
    this.gate = gate;
    this.approvals = approvals;
    this.dispatch = new Dispatch(book, gate, clock, config.giveUpAfter());
    this.progress =
        new Progress(
            new ProgressContext(book, dispatch, gate, surroundings, clock, config.giveUpAfter()));
    this.clock = clock;
    this.approvalTimeout = config.approvalTimeout();
  }

  /** Takes up a containment that was stored. */
  void restore(Containment stored) {
    book.put(Stage.of(stored));
  }

  /** All containments it knows. */
  List<Stage> stages() {
    return List.copyOf(book.all());
  }

  /** The operations that are to be started now; each is named once until its result is in. */
  List<Operation> due() {
    return dispatch.due();
  }

  /** A detection that a playbook answers. */
  void work(Work work, @Nullable String traceparent, Batch batch) {
    Detection.Finding detection = work.detection().detection();
    Instant now = clock.instant();
    Precedents precedents = new Precedents(book.sameTarget(work.work().containment()), work, now);
    switch (precedents.meaning()) {
      case Precedents.Meaning.Known _ -> {}
      case Precedents.Meaning.Joins(Live live) -> {
        // What nobody would believe must not hold up what everybody has to.
        if (live instanceof Waiting waiting && gate.actsByItself(work, now)) {
          progress.record(waiting.overtaken(work.work().containment(), now), batch);
          begin(work, traceparent, precedents.relapse(), now, batch);
        } else {
          progress.join(live, work, batch);
          progress.advance(live.id(), batch);
        }
      }
      case Precedents.Meaning.AnsweredBy(Answered answered) -> {
        if (onlyRecorded(answered) && gate.actsByItself(work, now)) {
          begin(work, traceparent, precedents.relapse(), now, batch);
        } else {
          progress.record(
              answered.joined(detection.id(), detection.time(), "nothing new is begun", now),
              batch);
        }
      }
      case Precedents.Meaning.Begins(Optional<String> relapse) ->
          begin(work, traceparent, relapse, now, batch);
    }
  }

  /** Whether it ended because no more than a record was wanted then. */
  private static boolean onlyRecorded(Answered answered) {
    ContainmentState state = answered.state();
    return state == ContainmentState.OBSERVED
        || state == ContainmentState.PLANNED
        || state == ContainmentState.DRY_RUN;
  }

  private void begin(
      Work work, @Nullable String traceparent, Optional<String> relapse, Instant now, Batch batch) {
    progress.record(beginning(work, traceparent, relapse.orElse(null), now), batch);
    progress.advance(work.work().containment(), batch);
  }

  private Transition<?> beginning(
      Work work, @Nullable String traceparent, @Nullable String relapse, Instant now) {
    return switch (gate.decide(work, now)) {
      case Decision.Stop(ContainmentState state, String reason) ->
          Stage.ended(
              Beginning.of(work, ResponseMode.OBSERVE, false, traceparent, now),
              state,
              reason,
              now);
      case Decision.Proceed(ResponseMode mode, String why) -> {
        Containment seed = Beginning.of(work, mode, relapse != null, traceparent, now);
        String reason = relapse == null ? why : why == null ? relapse : why + "; " + relapse;
        yield switch (mode) {
          case OBSERVE -> Stage.ended(seed, ContainmentState.OBSERVED, reason, now);
          case PLAN, DRYRUN, APPROVE -> Stage.planning(seed, reason, now);
          case ENFORCE -> Stage.executing(seed, reason, now);
        };
      }
    };
  }

  /** A person's statement. */
  void approval(Approval approval, Batch batch) {
    Approval.Statement statement = approval.approval();
    Stage stage = book.get(statement.containment());
    Instant now = clock.instant();
    if (!(stage instanceof Live live)) {
      approvals.ignored(
          statement,
          stage == null ? "there is no such containment" : "the containment is " + stage.state());
      return;
    }
    Optional<String> objection = approvals.objection(approval, live.containment(), now);
    if (objection.isPresent()) {
      refuse(live, statement, objection.get(), now, batch);
      return;
    }
    Release word = new Release(statement.actor(), statement.reason(), statement.id());
    switch (statement.decision()) {
      case APPROVE -> {
        if (live instanceof AwaitingApproval waiting) {
          progress.record(waiting.approved(word, now), batch);
        } else {
          refuse(live, statement, "nothing waits for an approval", now, batch);
        }
      }
      case VETO -> {
        if (live instanceof AwaitingApproval waiting) {
          progress.record(waiting.vetoed(word, now), batch);
        } else {
          refuse(live, statement, "nothing waits for an approval", now, batch);
        }
      }
      case RELEASE -> {
        if (live instanceof Releasable held) {
          progress.record(held.release(word, now), batch);
        } else {
          refuse(live, statement, "nothing is done yet that could be released", now, batch);
        }
      }
    }
    progress.advance(live.id(), batch);
  }

  private void refuse(
      Live live, Approval.Statement statement, String why, Instant now, Batch batch) {
    approvals.ignored(statement, why);
    progress.record(
        live.refused(
            statement.actor(),
            statement.decision() + " refused: " + why + " (statement " + statement.id() + ")",
            now),
        batch);
  }

  /** An operation came to its end. */
  void result(Operation.Result result, Batch batch) {
    Operation operation = result.operation();
    dispatch.returned(operation);
    Stage stage = book.get(operation.ref().containment());
    if (stage == null) {
      return;
    }
    Instant now = clock.instant();
    StepRef ref = operation.ref();
    switch (result) {
      case Operation.Result.LaidOpen(Operation.LayOpen _, List<Step> steps) ->
          laidOpen(stage, steps, now, batch);
      case Operation.Result.LaidOpen _ -> {}
      case Operation.Result.Prepared(Operation _, Preparation preparation) ->
          progress.prepared(stage, ref, preparation, batch);
      case Operation.Result.Seen(Operation _, var verification) -> {
        if (stage instanceof Verifying verifying
            && stage.step(ref.index()).state() == StepState.DONE) {
          progress.record(verifying.verified(ref.index(), verification, now), batch);
        }
      }
      case Operation.Result.Tried(Operation.Undo _, Outcome outcome) ->
          progress.undone(stage, ref, outcome, batch);
      case Operation.Result.Tried(Operation.Tell _, Outcome outcome) ->
          told(stage, ref, outcome, now, batch);
      case Operation.Result.Tried(Operation _, Outcome outcome) ->
          progress.acted(stage, ref, outcome, batch);
    }
    progress.advanceTarget(ref.containment(), batch);
  }

  private void laidOpen(Stage stage, List<Step> steps, Instant now, Batch batch) {
    if (!(stage instanceof Planning planning)) {
      return;
    }
    progress.record(
        switch (stage.containment().containment().mode()) {
          case DRYRUN -> planning.tried(steps, now);
          case APPROVE -> planning.awaiting(steps, now.plus(approvalTimeout), now);
          case OBSERVE, PLAN, ENFORCE -> planning.planned(steps, now);
        },
        batch);
  }

  private void told(Stage stage, StepRef ref, Outcome outcome, Instant now, Batch batch) {
    if (stage.step(ref.index()).state() != StepState.INTENDED) {
      return;
    }
    boolean delivered = outcome instanceof Outcome.Done;
    String words =
        switch (outcome) {
          case Outcome.Done(String done) -> done;
          case Outcome.Failed(String reason) -> reason;
          case Outcome.Later(String reason) -> reason;
          case Outcome.Changed(var _, String diff) -> diff;
        };
    switch (stage) {
      case Executing executing ->
          progress.record(
              delivered
                  ? executing.done(ref.index(), StepFacts.words(words), now)
                  : executing.fail(ref.index(), words, now),
              batch);
      case Verifying verifying ->
          progress.record(
              delivered
                  ? verifying.told(ref.index(), words, now)
                  : verifying.notTold(ref.index(), words, now),
              batch);
      case Planning _, AwaitingApproval _, Held _, Recovering _, Ended _ -> {}
    }
  }

  /** Something outside changed, such as what peers report, that a containment may wait for. */
  void changed(String containment, Batch batch) {
    if (book.get(containment) != null) {
      progress.advance(containment, batch);
    }
  }

  /**
   * Time passed: whatever depends on it is looked at, what is in motion at every call, what waits
   * for people or for health twice a second.
   */
  void tick(Batch batch) {
    Instant now = clock.instant();
    boolean everything = !now.isBefore(nextLook);
    for (Stage stage : everything ? book.all() : book.inMotion()) {
      progress.advance(stage.id(), batch);
    }
    if (everything) {
      nextLook = now.plus(LOOK);
    }
    if (!now.isBefore(nextForget)) {
      nextForget = now.plus(FORGET);
      forget(now, batch);
    }
  }

  private void forget(Instant now, Batch batch) {
    for (Stage stage : book.all()) {
      Instant ended = stage.containment().containment().endedAt();
      if (stage instanceof Ended && ended != null && ended.plus(KEEP).isBefore(now)) {
        book.remove(stage.id());
        batch.forget(stage.id());
      }
    }
  }
}
