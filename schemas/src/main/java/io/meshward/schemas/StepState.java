package io.meshward.schemas;

/** Where a step of a plan stands. */
public enum StepState {
  PENDING,
  INTENDED,
  DONE,
  VERIFIED,
  SKIPPED,
  FAILED,
  UNDOING,
  UNDONE
}
