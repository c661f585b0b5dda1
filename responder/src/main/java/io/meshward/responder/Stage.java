package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.StepState;
import java.time.Instant;
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
sealed interface Stage permits Live, Answered {
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

  /** Begins the next version of the containment. */
  default Draft draft(Instant at) {
    return new Draft(containment(), at);
  }

  /** The stage after a transition that only adds a fact. */
  static <S extends Stage> S same(Class<S> kind, Containment after) {
    return kind.cast(of(after));
  }

  /** Refuses a containment that stands elsewhere. */
  static void require(Containment containment, ContainmentState state) {
    if (containment.containment().state() != state) {
      throw illegal("be " + state, containment.containment().state());
    }
  }

  /** Refuses to move a step that stands elsewhere. */
  default void requireStep(int index, StepState... expected) {
    StepState actual = step(index).state();
    for (StepState state : expected) {
      if (actual == state) {
        return;
      }
    }
    throw illegal("move step " + index + " from " + actual, state());
  }

  /** What is thrown for a way that is none. */
  static IllegalStateException illegal(String what, ContainmentState state) {
    return new IllegalStateException("cannot " + what + ": the containment is " + state);
  }
}
