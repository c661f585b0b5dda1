package io.meshward.responder;

/** A place at which a process may be killed: tests do so there. */
@FunctionalInterface
interface Checkpoint {
  /** Nothing happens. */
  Checkpoint NONE = place -> {};

  /**
   * The process comes by.
   *
   * @throws Killed if it ends here, without another word
   */
  void pass(String place);

  /**
   * The process comes by with what it is about to commit, or has committed.
   *
   * @throws Killed if it ends here, without another word
   */
  default void pass(String place, Batch batch) {
    pass(place);
  }

  /** The end of a process, as far as it can be had inside of one. */
  final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed(String place) {
      super("killed at " + place, null, false, false);
    }
  }
}
