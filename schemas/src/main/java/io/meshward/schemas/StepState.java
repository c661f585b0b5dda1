package io.meshward.schemas;

/** Where a step of a plan stands. */
public enum StepState {
  /** Not begun. */
  PENDING,
  /** About to be done; what its inverse needs is stored. It may have been done already. */
  INTENDED,
  /** Done, and not yet verified. */
  DONE,
  /** Done and verified. */
  VERIFIED,
  /** Done, and its effect was not seen in time. */
  UNVERIFIED,
  /** Not to be done. */
  SKIPPED,
  /** Could not be done; it may have been done in part if it was intended. */
  FAILED,
  /** Being undone. */
  UNDOING,
  /** Undone. */
  UNDONE
}
