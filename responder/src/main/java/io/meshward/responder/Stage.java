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
    default Transition<Live> joined(String detection, Instant time, List<Step> steps, Instant at) {
      return draft(this, at)
          .steps(steps)
          .detected(detection, time)
          .note("joined by detection " + detection)
          .write(after -> same(Live.class, after));
    }

    /** A person's statement that did not count, and why. */
    default Transition<Live> refused(String actor, String why, Instant at) {
      return draft(this, at).by(actor).note(why).write(after -> same(Live.class, after));
    }
  }

  /** A stage from which the way back can be taken. */
  sealed interface Releasable extends Live {
    /** Begins to undo. */
    default Transition<Recovering> release(Release release, Instant at) {
      Recovery old = containment().recovery();
      Draft draft =
          draft(this, at)
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
    default Transition<Held> healthy(@Nullable Instant since, Instant at) {
      Recovery old = containment().recovery();
      return draft(this, at)
          .recovery(new Recovery(old.plan(), since, old.releasedBy(), old.reason()))
          .note(since == null ? "no longer healthy" : "healthy")
          .write(after -> same(Held.class, after));
    }

    /** More was seen of a step's effect. */
    default Transition<Held> seen(int step, Verification verification, Instant at) {
      return draft(this, at)
          .step(step, step(step).state(), StepFacts.seen(verification))
          .write(after -> same(Held.class, after));
    }
  }

  /** What the steps would change is being read. */
  record Planning(Containment containment) implements Live {
    public Planning {
      require(containment, ContainmentState.PLANNING);
    }

    /** The plan is recorded, and that is all. */
    Transition<Ended> planned(List<Step> steps, Instant at) {
      return draft(this, at).steps(steps).to(ContainmentState.PLANNED, reason()).write(Ended::new);
    }

    /** Every step was tried as a dry run, and that is all. */
    Transition<Ended> tried(List<Step> steps, Instant at) {
      return draft(this, at).steps(steps).to(ContainmentState.DRY_RUN, reason()).write(Ended::new);
    }

    /** The plan waits for a person. */
    Transition<AwaitingApproval> awaiting(List<Step> steps, Instant approveBy, Instant at) {
      return draft(this, at)
          .steps(steps)
          .approveBy(approveBy)
          .to(ContainmentState.AWAITING_APPROVAL, reason())
          .write(AwaitingApproval::new);
    }

    private @Nullable String reason() {
      return containment.containment().reason();
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
      return draft(this, at)
          .to(ContainmentState.EXPIRED, "no approval came in time")
          .write(Ended::new);
    }

    private Draft answered(Release answer, Instant at) {
      Draft draft = draft(this, at).by(answer.actor());
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
      return draft(this, at).step(step, StepState.INTENDED, facts).write(Executing::new);
    }

    /** A step was done. */
    Transition<Executing> done(int step, StepFacts facts, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(this, at).step(step, StepState.DONE, facts).write(Executing::new);
    }

    /** A step could not be done; what that means for those after it, its plan says. */
    Transition<Executing> fail(int step, String error, Instant at) {
      requireStep(this, step, StepState.PENDING, StepState.INTENDED);
      Draft draft = draft(this, at).step(step, StepState.FAILED, StepFacts.error(error));
      if (step(step).onError() == ErrorPolicy.STOP) {
        draft.skipPending("step " + step + " failed");
      }
      return draft.write(Executing::new);
    }

    /** No step is left to be done. */
    Transition<Verifying> verifying(Instant at) {
      return draft(this, at).to(ContainmentState.VERIFYING, null).write(Verifying::new);
    }

    /** Nothing was ever begun: there is nothing to verify or to undo. */
    Transition<Ended> failed(String reason, Instant at) {
      if (containment.steps().stream().anyMatch(Stage::mayHaveActed)) {
        throw illegal("fail although a step may have acted", state());
      }
      return draft(this, at).to(ContainmentState.FAILED, reason).write(Ended::new);
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
      return draft(this, at)
          .step(
              step,
              verification.passed() ? StepState.VERIFIED : StepState.UNVERIFIED,
              StepFacts.seen(verification))
          .write(Verifying::new);
    }

    /** A notification, which nothing waits for, was delivered. */
    Transition<Verifying> told(int step, String words, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(this, at)
          .step(step, StepState.DONE, StepFacts.words(words))
          .write(Verifying::new);
    }

    /** A notification, which nothing depends on, was not delivered. */
    Transition<Verifying> notTold(int step, String error, Instant at) {
      requireStep(this, step, StepState.INTENDED);
      return draft(this, at)
          .step(step, StepState.FAILED, StepFacts.error(error))
          .write(Verifying::new);
    }

    /** All of it was seen. */
    Transition<Contained> contained(Instant at) {
      return draft(this, at).to(ContainmentState.CONTAINED, null).write(Contained::new);
    }

    /** Some of it was not done or not seen. */
    Transition<Partial> partial(String reason, Instant at) {
      return draft(this, at).to(ContainmentState.PARTIAL, reason).write(Partial::new);
    }
  }

  /** Done and verified. */
  record Contained(Containment containment) implements Held {
    public Contained {
      require(containment, ContainmentState.CONTAINED);
    }
  }

  /** Done in part, or not wholly verified. */
  record Partial(Containment containment) implements Held {
    public Partial {
      require(containment, ContainmentState.PARTIAL);
    }
  }

  /** A stage in which nothing more is done: what happens from here on begins a new containment. */
  sealed interface Answered extends Stage {
    /** Another detection that deserves no other answer. */
    default Transition<Answered> joined(String detection, Instant time, String why, Instant at) {
      return draft(this, at)
          .detected(detection, time)
          .note(why)
          .write(after -> same(Answered.class, after));
    }
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

    /** A step is about to be undone; what that needs is stored with this. */
    Transition<Recovering> undoing(int step, StepFacts facts, Instant at) {
      if (!mayHaveActed(step(step))) {
        throw illegal("undo step " + step + " that is " + step(step).state(), state());
      }
      return draft(this, at).step(step, StepState.UNDOING, facts).write(Recovering::new);
    }

    /** A step was undone. */
    Transition<Recovering> undone(int step, String words, Instant at) {
      requireStep(this, step, StepState.UNDOING);
      return draft(this, at)
          .step(step, StepState.UNDONE, StepFacts.words(words))
          .write(Recovering::new);
    }

    /** A step could not be undone: it needs a person, and another release. */
    Transition<Partial> stuck(int step, String error, Instant at) {
      requireStep(this, step, StepState.UNDOING);
      return draft(this, at)
          .step(step, StepState.UNVERIFIED, StepFacts.error(error))
          .to(ContainmentState.PARTIAL, "step " + step + " could not be undone: " + error)
          .write(Partial::new);
    }

    /** Everything was undone. */
    Transition<Ended> recovered(Instant at) {
      if (containment.steps().stream().anyMatch(Stage::mayHaveActed)) {
        throw illegal("be recovered although a step is not undone", state());
      }
      return draft(this, at)
          .to(ContainmentState.RECOVERED, containment.containment().reason())
          .write(Ended::new);
    }
  }

  /** Nothing will happen any more. */
  record Ended(Containment containment) implements Answered {
    public Ended {
      if (!containment.containment().state().terminal()) {
        throw illegal("be ended", containment.containment().state());
      }
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

  private static Draft draft(Stage stage, Instant at) {
    return new Draft(stage.containment(), at);
  }

  /** The stage after a transition that only adds a fact. */
  private static <S extends Stage> S same(Class<S> kind, Containment after) {
    return kind.cast(of(after));
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
