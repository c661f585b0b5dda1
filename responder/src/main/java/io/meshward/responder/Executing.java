package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.ErrorPolicy;
import io.meshward.schemas.StepState;
import java.time.Instant;

/** Its steps are being done, one after the other. */
record Executing(Containment containment) implements Releasable {
  public Executing {
    Stage.require(containment, ContainmentState.EXECUTING);
  }

  /** A step is about to be done; what its inverse needs is stored with this. */
  Transition<Executing> intend(int step, StepFacts facts, Instant at) {
    requireStep(step, StepState.PENDING, StepState.INTENDED);
    return draft(at).step(step, StepState.INTENDED, facts).write(Executing::new);
  }

  /** A step was done. */
  Transition<Executing> done(int step, StepFacts facts, Instant at) {
    requireStep(step, StepState.INTENDED);
    return draft(at).step(step, StepState.DONE, facts).write(Executing::new);
  }

  /** A step could not be done; what that means for those after it, its plan says. */
  Transition<Executing> fail(int step, String error, Instant at) {
    requireStep(step, StepState.PENDING, StepState.INTENDED);
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
      throw Stage.illegal("fail although a step may have acted", state());
    }
    return draft(at).to(ContainmentState.FAILED, reason).write(Ended::new);
  }
}
