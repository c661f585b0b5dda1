package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.StepState;
import java.time.Instant;

/** What was done is being undone. */
record Recovering(Containment containment) implements Answered {
  public Recovering {
    Stage.require(containment, ContainmentState.RECOVERING);
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
    if (!Stage.mayHaveActed(step(step))) {
      throw Stage.illegal("undo step " + step + " that is " + step(step).state(), state());
    }
    return draft(at).step(step, StepState.UNDOING, facts).write(Recovering::new);
  }

  /** A step was undone. */
  Transition<Recovering> undone(int step, String words, Instant at) {
    requireStep(step, StepState.UNDOING);
    return draft(at).step(step, StepState.UNDONE, StepFacts.words(words)).write(Recovering::new);
  }

  /** A step could not be undone: it needs a person, and another release. */
  Transition<Partial> stuck(int step, String error, Instant at) {
    requireStep(step, StepState.UNDOING);
    return draft(at)
        .step(step, StepState.UNVERIFIED, StepFacts.error(error))
        .to(ContainmentState.PARTIAL, "step " + step + " could not be undone: " + error)
        .write(Partial::new);
  }

  /** Everything was undone. */
  Transition<Ended> recovered(Instant at) {
    if (containment.steps().stream().anyMatch(Stage::mayHaveActed)) {
      throw Stage.illegal("be recovered although a step is not undone", state());
    }
    return draft(at)
        .to(ContainmentState.RECOVERED, containment.containment().reason())
        .write(Ended::new);
  }
}
