package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import java.util.List;

/**
 * Something that takes its time: a request to the Kubernetes API or to a webhook. It is begun only
 * after the transition that calls for it was committed, runs on a virtual thread of its own, and
 * its {@link Result} comes back as an input.
 */
sealed interface Operation {
  /** The step it is about; for {@link LayOpen} the first one. */
  StepRef ref();

  /** Reads what a step needs to know before it is intended. */
  record Prepare(StepRef ref, String action, StepContext context) implements Operation {}

  /** Does a step. */
  record Act(StepRef ref, String action, StepContext context, ObjectNode prior, boolean resumed)
      implements Operation {}

  /** Looks for a step's effect. */
  record Verify(StepRef ref, String action, StepContext context, ObjectNode prior)
      implements Operation {}

  /** Undoes a step. */
  record Undo(StepRef ref, String action, StepContext context, ObjectNode prior)
      implements Operation {}

  /** Tells somebody. */
  record Tell(StepRef ref, Containment containment) implements Operation {}

  /** Reads what all steps would change; as a dry run, tries them too. */
  record LayOpen(StepRef ref, Containment containment, boolean dryRun) implements Operation {}

  /** What came of it. */
  sealed interface Result {
    Operation operation();

    /** Of {@link Prepare}. */
    record Prepared(Operation operation, ClusterAction.Preparation preparation) implements Result {}

    /** Of {@link Act}, {@link Undo} and {@link Tell}. */
    record Tried(Operation operation, ClusterAction.Outcome outcome) implements Result {}

    /** Of {@link Verify}. */
    record Seen(Operation operation, Verification verification) implements Result {}

    /** Of {@link LayOpen}. */
    record LaidOpen(Operation operation, List<Step> steps) implements Result {
      public LaidOpen {
        steps = List.copyOf(steps);
      }
    }
  }
}
