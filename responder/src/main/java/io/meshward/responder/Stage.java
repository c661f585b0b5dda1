package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Recovery;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.ErrorPolicy;
import io.meshward.schemas.StepState;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a containment stands. Each record has a method for each legal way on and no other; the way
 * on is a {@link Transition}, which is stored before anything else happens because of it.
 *
 * <pre>
 * begin ─► Planning ─► AwaitingApproval ─► Executing ─► Verifying ─► Contained ─► Recovering ─► Ended
 *   └─────────────────────────────────────►┘                └─────► Partial ──────►┘
 * </pre>
 *
 * <p>A stage is wholly told by its {@link Containment}: {@link #of} gives back what was stored.
 * Immutable.
 */
sealed interface Stage {
  Containment containment();

  /** The containment's id. */
  default String id() {
    return containment().containment().id();
  }

  /** The state it stands in. */
  default ContainmentState state() {
    return containment().containment().state();
  }

  /** One of its steps. */
  default Step step(int index) {
    return containment().steps().get(index);
  }

  /** The stage that was stored as a containment. */
  static Stage of(Containment stored) {
    return switch (stored.containment().state()) {
      case PLANNING -> new Planning(stored);
      case AWAITING_APPROVAL -> new AwaitingApproval(stored);
      case EXECUTING -> new Executing(stored);
      case VERIFYING -> new Verifying(stored);
      case CONTAINED -> new Contained(stored);
      case PARTIAL -> new Partial(stored);
      case RECOVERING -> new Recovering(stored);
      case UNRESOLVED,
          OBSERVED,
          PLANNED,
          DRY_RUN,
          SUPPRESSED,
          RECOVERED,
          REJECTED,
          EXPIRED,
          FAILED ->
          new Ended(stored);
    };
  }

  /** Begins a containment that will be recorded only. */
  static Transition<Ended> ended(
      Containment seed, ContainmentState state, @Nullable String reason, Instant at) {
    if (!state.terminal()) {
      throw illegal("begin as ended", state);
    }
    return new Draft(seed, at).to(state, reason).write(Ended::new);
  }

  /** Begins a containment whose plan is to be laid open before anything is done. */
  static Transition<Planning> planning(Containment seed, @Nullable String reason, Instant at) {
    return new Draft(seed, at).to(ContainmentState.PLANNING, reason).write(Planning::new);
  }

  /** Begins a containment that acts at once. */
  static Transition<Executing> executing(Containment seed, @Nullable String reason, Instant at) {
    return new Draft(seed, at).to(ContainmentState.EXECUTING, reason).acted().write(Executing::new);
  }

  /** A stage in which further detections join and in which a person may refuse or release. */
  sealed interface Live extends Stage {
    /** Another detection that this containment answers. */
    Transition<? extends Live> joined(String detection, Instant time, List<Step> steps, Instant at);

    /** A person's statement that did not count, and why. */
    Transition<? extends Live> refused(String actor, String why, Instant at);
  }

  /** A stage from which the way back can be taken. */
  sealed interface Releasable extends Live {
    /** Begins to undo. */
    default Transition<Recovering> release(Release release, Instant at) {
      Recovery old = containment().recovery();
      Draft draft =
          new Draft(containment(), at)
              .to(ContainmentState.RECOVERING, release.reason())
              .by(release.actor())
              .skipPending("released")
              .recovery(
                  new Recovery(old.plan(), old.healthySince(), release.actor(), release.reason()));
      if (release.statement() != null) {
        draft.approval(release.statement());
      }
      return draft.write(Recovering::new);
    }
  }

  /** Everything was done that could be: something stands that can be released. */
  sealed interface Held extends Releasable {
    /** The conditions of the automatic recovery hold since a moment, or no longer. */
    Transition<? extends Held> healthy(@Nullable Instant since, Instant at);

    /** More was seen of a step's effect. */
    Transition<? extends Held> seen(int step, Verification verification, Instant at);
  }

  /** What the steps would change is being read. */
  record Planning(Containment containment) implements Live {
    public Planning {
      require(containment, ContainmentState.PLANNING);
    }

    /** The plan is recorded, and that is all. */
    Transition<Ended> planned(List<Step> steps, Instant at) {
      return draft(at).steps(steps).to(ContainmentState.PLANNED, reason()).write(Ended::new);
    }

    /** Every step was tried as a dry run, and that is all. */
    Transition<Ended> tried(List<Step> steps, Instant at) {
      return draft(at).steps(steps).to(ContainmentState.DRY_RUN, reason()).write(Ended::new);
    }

    /** The plan waits for a person. */
    Transition<AwaitingApproval> awaiting(List<Step> steps, Instant approveBy, Instant at) {
      return draft(at)
          .steps(steps)
          .approveBy(approveBy)
          .to(ContainmentState.AWAITING_APPROVAL, reason())
          .write(AwaitingApproval::new);
    }

    @Override
    public Transition<Planning> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, steps, at).write(Planning::new);
    }

    @Override
    public Transition<Planning> refused(String actor, String why, Instant at) {
      return draft(at).by(actor).note(why).write(Planning::new);
    }

    private @Nullable String reason() {
      return containment.containment().reason();
    }

    private Draft draft(Instant at) {
      return new Draft(containment, at);
    }
  }

  /** A person has to say yes to this very plan. */
  record AwaitingApproval(Containment containment) implements Live {
    public AwaitingApproval {
      require(containment, ContainmentState.AWAITING_APPROVAL);
    }

    /** A person approved; it acts. */
    Transition<Executing> approved(Release approval, Instant at) {
      return answered(approval, at)
          .to(ContainmentState.EXECUTING, approval.reason())
          .acted()
          .write(Executing::new);
    }

    /** A person refused. */
    Transition<Ended> vetoed(Release veto, Instant at) {
      return answered(veto, at).to(ContainmentState.REJECTED, veto.reason()).write(Ended::new);
    }

    /** Nobody answered in time. */
    Transition<Ended> expired(Instant at) {
      return new Draft(containment, at)
          .to(ContainmentState.EXPIRED, "no approval came in time")
          .write(Ended::new);
    }

    @Override
    public Transition<AwaitingApproval> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, containment.steps(), at).write(AwaitingApproval::new);
    }

    @Override
    public Transition<AwaitingApproval> refused(String actor, String why, Instant at) {
      return new Draft(containment, at).by(actor).note(why).write(AwaitingApproval::new);
    }

    private Draft answered(Release answer, Instant at) {
      Draft draft = new Draft(containment, at).by(answer.actor());
      return answer.statement() == null ? draft : draft.approval(answer.statement());
    }
  }

  /** Its steps are being done, one after the other. */
  record Executing(Containment containment) implements Releasable {
    public Executing {
      require(containment, ContainmentState.EXECUTING);
    }

    /** A step is about to be done; what its inverse needs is stored with this. */
    Transition<Executing> intend(int step, StepFacts facts, Instant at) {
      requireStep(this, step, StepState.PENDING, StepState.INTENDED);
      return draft(at).step(step, StepState.INTENDED, facts).write(Executing::new);
    }

    /** A step was done. */
    Transition<Executing> done(int step, StepFacts facts, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(at).step(step, StepState.DONE, facts).write(Executing::new);
    }

    /** A step could not be done; what that means for those after it, its plan says. */
    Transition<Executing> fail(int step, String error, Instant at) {
      requireStep(this, step, StepState.PENDING, StepState.INTENDED);
      Draft draft = draft(at).step(step, StepState.FAILED, StepFacts.error(error));
      if (step(step).onError() == ErrorPolicy.STOP) {
        draft.skipPending("step " + step + " failed");
      }
      return draft.write(Executing::new);
    }

    /** No step is left to be done. */
    Transition<Verifying> verifying(Instant at) {
      return draft(at).to(ContainmentState.VERIFYING, null).write(Verifying::new);
    }

    /** Nothing was ever begun: there is nothing to verify or to undo. */
    Transition<Ended> failed(String reason, Instant at) {
      if (containment.steps().stream().anyMatch(Stage::mayHaveActed)) {
        throw illegal("fail although a step may have acted", state());
      }
      return draft(at).to(ContainmentState.FAILED, reason).write(Ended::new);
    }

    @Override
    public Transition<Executing> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, steps, at).write(Executing::new);
    }

    @Override
    public Transition<Executing> refused(String actor, String why, Instant at) {
      return draft(at).by(actor).note(why).write(Executing::new);
    }

    private Draft draft(Instant at) {
      return new Draft(containment, at);
    }
  }

  /** What was done is being checked. */
  record Verifying(Containment containment) implements Releasable {
    public Verifying {
      require(containment, ContainmentState.VERIFYING);
    }

    /** What was seen of a step's effect. */
    Transition<Verifying> verified(int step, Verification verification, Instant at) {
      requireStep(this, step, StepState.DONE);
      return draft(at)
          .step(
              step,
              verification.passed() ? StepState.VERIFIED : StepState.UNVERIFIED,
              StepFacts.seen(verification))
          .write(Verifying::new);
    }

    /** A notification, which nothing waits for, was delivered. */
    Transition<Verifying> told(int step, String words, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(at).step(step, StepState.DONE, StepFacts.words(words)).write(Verifying::new);
    }

    /** A notification, which nothing depends on, was not delivered. */
    Transition<Verifying> notTold(int step, String error, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(at).step(step, StepState.FAILED, StepFacts.error(error)).write(Verifying::new);
    }

    /** All of it was seen. */
    Transition<Contained> contained(Instant at) {
      return draft(at).to(ContainmentState.CONTAINED, null).write(Contained::new);
    }

    /** Some of it was not done or not seen. */
    Transition<Partial> partial(String reason, Instant at) {
      return draft(at).to(ContainmentState.PARTIAL, reason).write(Partial::new);
    }

    @Override
    public Transition<Verifying> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, steps, at).write(Verifying::new);
    }

    @Override
    public Transition<Verifying> refused(String actor, String why, Instant at) {
      return draft(at).by(actor).note(why).write(Verifying::new);
    }

    private Draft draft(Instant at) {
      return new Draft(containment, at);
    }
  }

  /** Done and verified. */
  record Contained(Containment containment) implements Held {
    public Contained {
      require(containment, ContainmentState.CONTAINED);
    }

    @Override
    public Transition<Contained> healthy(@Nullable Instant since, Instant at) {
      return healthyDraft(containment, since, at).write(Contained::new);
    }

    @Override
    public Transition<Contained> seen(int step, Verification verification, Instant at) {
      return seenDraft(containment, step, verification, at).write(Contained::new);
    }

    @Override
    public Transition<Contained> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, steps, at).write(Contained::new);
    }

    @Override
    public Transition<Contained> refused(String actor, String why, Instant at) {
      return new Draft(containment, at).by(actor).note(why).write(Contained::new);
    }
  }

  /** Done in part, or not wholly verified. */
  record Partial(Containment containment) implements Held {
    public Partial {
      require(containment, ContainmentState.PARTIAL);
    }

    @Override
    public Transition<Partial> healthy(@Nullable Instant since, Instant at) {
      return healthyDraft(containment, since, at).write(Partial::new);
    }

    @Override
    public Transition<Partial> seen(int step, Verification verification, Instant at) {
      return seenDraft(containment, step, verification, at).write(Partial::new);
    }

    @Override
    public Transition<Partial> joined(
        String detection, Instant time, List<Step> steps, Instant at) {
      return joining(this, detection, time, steps, at).write(Partial::new);
    }

    @Override
    public Transition<Partial> refused(String actor, String why, Instant at) {
      return new Draft(containment, at).by(actor).note(why).write(Partial::new);
    }
  }

  /** A stage in which nothing more is done: what happens from here on begins a new containment. */
  sealed interface Answered extends Stage {
    /** Another detection that deserves no other answer. */
    Transition<? extends Answered> joined(String detection, Instant time, String why, Instant at);
  }

  /** What was done is being undone. */
  record Recovering(Containment containment) implements Answered {
    public Recovering {
      require(containment, ContainmentState.RECOVERING);
    }

    /** Since when it is so, as far as the steps say. */
    Instant since() {
      return containment.steps().stream()
          .filter(step -> step.state() == StepState.UNDOING || step.state() == StepState.UNDONE)
          .map(Step::since)
          .min(Instant::compareTo)
          .orElse(containment.containment().updatedAt());
    }

    @Override
    public Transition<Recovering> joined(String detection, Instant time, String why, Instant at) {
      return draft(at).detected(detection, time).note(why).write(Recovering::new);
    }

    /** A step is about to be undone. */
    Transition<Recovering> undoing(int step, Instant at) {
      if (!mayHaveActed(step(step))) {
        throw illegal("undo step " + step + " that is " + step(step).state(), state());
      }
      return draft(at).step(step, StepState.UNDOING, StepFacts.none()).write(Recovering::new);
    }

    /** A step was undone. */
    Transition<Recovering> undone(int step, String words, Instant at) {
      requireStep(this, step, StepState.UNDOING);
      return draft(at).step(step, StepState.UNDONE, StepFacts.words(words)).write(Recovering::new);
    }

    /** A step could not be undone: it needs a person, and another release. */
    Transition<Partial> stuck(int step, String error, Instant at) {
      requireStep(this, step, StepState.UNDOING);
      return draft(at)
          .step(step, StepState.UNVERIFIED, StepFacts.error(error))
          .to(ContainmentState.PARTIAL, "step " + step + " could not be undone: " + error)
          .write(Partial::new);
    }

    /** Everything was undone. */
    Transition<Ended> recovered(Instant at) {
      if (containment.steps().stream().anyMatch(Stage::mayHaveActed)) {
        throw illegal("be recovered although a step is not undone", state());
      }
      return draft(at)
          .to(ContainmentState.RECOVERED, containment.containment().reason())
          .write(Ended::new);
    }

    private Draft draft(Instant at) {
      return new Draft(containment, at);
    }
  }

  /** Nothing will happen any more. */
  record Ended(Containment containment) implements Answered {
    public Ended {
      if (!containment.containment().state().terminal()) {
        throw illegal("be ended", containment.containment().state());
      }
    }

    @Override
    public Transition<Ended> joined(String detection, Instant time, String why, Instant at) {
      return new Draft(containment, at).detected(detection, time).note(why).write(Ended::new);
    }
  }

  /**
   * A person's or the responder's own word that moves a containment.
   *
   * @param statement the id of the signed statement; absent if none was needed
   */
  record Release(String actor, String reason, @Nullable String statement) {}

  /** Whether a step may have changed something that was not undone. */
  static boolean mayHaveActed(Step step) {
    if (!ActionName.changesSomething(step.action())) {
      return false;
    }
    return switch (step.state()) {
      case INTENDED, DONE, VERIFIED, UNVERIFIED, UNDOING -> true;
      case FAILED -> step.prior() != null;
      case PENDING, SKIPPED, UNDONE -> false;
    };
  }

  private static Draft joining(
      Live stage, String detection, Instant time, List<Step> steps, Instant at) {
    return new Draft(stage.containment(), at)
        .steps(steps)
        .detected(detection, time)
        .note("joined by detection " + detection);
  }

  private static Draft healthyDraft(Containment containment, @Nullable Instant since, Instant at) {
    Recovery old = containment.recovery();
    return new Draft(containment, at)
        .recovery(new Recovery(old.plan(), since, old.releasedBy(), old.reason()))
        .note(since == null ? "no longer healthy" : "healthy");
  }

  private static Draft seenDraft(
      Containment containment, int step, Verification verification, Instant at) {
    return new Draft(containment, at)
        .step(step, containment.steps().get(step).state(), StepFacts.seen(verification));
  }

  private static void require(Containment containment, ContainmentState state) {
    if (containment.containment().state() != state) {
      throw illegal("be " + state, containment.containment().state());
    }
  }

  private static void requireStep(Stage stage, int index, StepState... expected) {
    StepState actual = stage.step(index).state();
    for (StepState state : expected) {
      if (actual == state) {
        return;
      }
    }
    throw illegal("move step " + index + " from " + actual, stage.state());
  }

  private static IllegalStateException illegal(String what, ContainmentState state) {
    return new IllegalStateException("cannot " + what + ": the containment is " + state);
  }
}
