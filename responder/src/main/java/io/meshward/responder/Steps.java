package io.meshward.responder;

import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.StepState;
import java.util.function.Predicate;

/** Looks for steps of a containment. */
final class Steps {
  private Steps() {}

  /** Whether a step is under way, so that the next one has to wait. */
  static boolean blocks(Step step) {
    return step.state() == StepState.INTENDED && ActionName.changesSomething(step.action());
  }

  /** The first step that is wanted; -1 if there is none. */
  static int first(Stage stage, Predicate<Step> wanted) {
    for (int i = 0; i < stage.containment().steps().size(); i++) {
      if (wanted.test(stage.step(i))) {
        return i;
      }
    }
    return -1;
  }

  /** The last step that may have acted and is wanted; -1 if there is none. */
  static int last(Stage stage, Predicate<Step> wanted) {
    for (int i = stage.containment().steps().size() - 1; i >= 0; i--) {
      if (Stage.mayHaveActed(stage.step(i)) && wanted.test(stage.step(i))) {
        return i;
      }
    }
    return -1;
  }
}
