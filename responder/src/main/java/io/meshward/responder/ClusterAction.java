package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment.Verification;
import java.util.List;
import java.util.Optional;

/**
 * Something that is done to a workload or a pod through the Kubernetes API, in a way that can be
 * repeated after any interruption, verified and undone. Every write is locked with uid and
 * resourceVersion. Blocking; thread-safe.
 */
interface ClusterAction {

  /** Its name in playbooks. */
  String name();

  /** What the API has to allow for it, in the namespace of its target. */
  List<Permission> permissions();

  /**
   * What {@link #prepare} would find, as far as the informers know it: at once, without asking the
   * API. Empty if they do not know enough.
   */
  Optional<Preparation.Ready> foresee(StepContext step);

  /** Reads what the step would change and what its inverse needs. Changes nothing. */
  Preparation prepare(StepContext step);

  /** Tries the step with the server, which validates it and changes nothing. */
  Outcome tryOut(StepContext step, ObjectNode prior);

  /**
   * Does it.
   *
   * @param prior what {@link #prepare} found, stored by now
   * @param resumed whether it may have been done before: it is read back first
   */
  Outcome act(StepContext step, ObjectNode prior, boolean resumed);

  /** Looks for the effect until it shows or the step's time is over. */
  Verification verify(StepContext step, ObjectNode prior);

  /** Undoes it, as far as it was done and nobody else changed it since. */
  Outcome undo(StepContext step, ObjectNode prior);

  /** What {@link #prepare} found. */
  sealed interface Preparation {
    /**
     * It can be done.
     *
     * @param prior what its inverse needs
     * @param diff what it changes, for people
     */
    record Ready(ObjectNode prior, String diff) implements Preparation {}

    /** It cannot be done, and trying again does not help. */
    record Impossible(String reason) implements Preparation {}

    /** The API cannot be asked now. */
    record Later(String reason) implements Preparation {}
  }

  /** What came of a try. */
  sealed interface Outcome {
    /** It is done. */
    record Done(String words) implements Outcome {}

    /** What was prepared holds no more; this does. It is to be stored before the next try. */
    record Changed(ObjectNode prior, String diff) implements Outcome {}

    /** It cannot be done, and trying again does not help. */
    record Failed(String reason) implements Outcome {}

    /** The API does not answer now: to be tried again later. */
    record Later(String reason) implements Outcome {}
  }
}
