package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.StepState;
import java.util.ArrayList;
import java.util.List;

/** What of a containment was not done or not seen. */
final class Lacking {
  private Lacking() {}

  /** What was not done or not seen; empty if nothing. */
  static String of(Containment containment) {
    List<String> lacking = new ArrayList<>();
    for (Step step : containment.steps()) {
      if (!ActionName.changesSomething(step.action())) {
        continue;
      }
      if (step.state() == StepState.FAILED) {
        lacking.add(step.action() + " failed: " + step.error());
      } else if (step.state() == StepState.UNVERIFIED && step.verification() != null) {
        lacking.add(step.action() + " not verified: " + step.verification().detail());
      }
    }
    return String.join("; ", lacking);
  }
}
