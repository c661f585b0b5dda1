package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * What the parts of {@link Progress} share: the stages, what is under way for them, and what they
 * depend on. Not thread-safe.
 */
record ProgressContext(
    Casebook book,
    Dispatch dispatch,
    Gate gate,
    Surroundings surroundings,
    InstantSource clock,
    Duration giveUpAfter) {

  /** What progress depends on beside the stages. Answers at once. */
  interface Surroundings {
    /** The action of a name that acts on the cluster. */
    ClusterAction action(String name);

    /** What peers reported about a containment's holds. */
    Peers.Report peers(String containment);

    /** Whether a hold was read from the topic and not released since. */
    boolean onTopic(QuarantineKey key);

    /** Which workloads a quarantine concerns. */
    FanOut fanOut(Subject subject);

    /** Whether the owner of a contained pod is at full strength without it. */
    boolean replaced(Containment containment);
  }

  Instant now() {
    return clock.instant();
  }

  /** Writes a transition. */
  void record(Transition<?> transition, Batch batch) {
    book.put(transition.stage());
    batch.add(transition);
  }

  /** Whether a step was tried for long enough. */
  boolean tooLate(Stage stage, StepRef ref) {
    return !now().isBefore(stage.step(ref.index()).since().plus(giveUpAfter));
  }

  /** What is said then. */
  String gaveUp(String reason) {
    return "gave up after " + giveUpAfter.toSeconds() + " s: " + reason;
  }
}
