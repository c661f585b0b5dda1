package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.StepState;
import java.time.Instant;

/** What was done is being checked. */
record Verifying(Containment containment) implements Releasable {
  public Verifying {
    Stage.require(containment, ContainmentState.VERIFYING);
  }

  /** What was seen of a step's effect. */
  Transition<Verifying> verified(int step, Verification verification, Instant at) {
    requireStep(step, StepState.DONE);
    return draft(at)
        .step(
            step,
            verification.passed() ? StepState.VERIFIED : StepState.UNVERIFIED,
            StepFacts.seen(verification))
        .write(Verifying::new);
  }

  /** A notification, which nothing waits for, was delivered. */
  Transition<Verifying> told(int step, String words, Instant at) {
    requireStep(step, StepState.INTENDED);
    return draft(at).step(step, StepState.DONE, StepFacts.words(words)).write(Verifying::new);
  }

  /** A notification, which nothing depends on, was not delivered. */
  Transition<Verifying> notTold(int step, String error, Instant at) {
    requireStep(step, StepState.INTENDED);
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
}
