package io.meshward.schemas;

/** Where a containment stands. */
public enum ContainmentState {
  /** Its target was not found, or is not one: nothing is done. */
  UNRESOLVED,
  /** Recorded only, as mode {@code observe} says. */
  OBSERVED,
  /** The cluster is being read, to say what the steps would change. */
  PLANNING,
  /** The plan and its diff are recorded, as mode {@code plan} says. */
  PLANNED,
  /** Every step ran as a server-side dry run, as mode {@code dryrun} says. */
  DRY_RUN,
  /** Waits for a signed approval of its plan. */
  AWAITING_APPROVAL,
  /** Nothing is done: the target is protected, or another containment answers. */
  SUPPRESSED,
  /** Its steps are being done. */
  EXECUTING,
  /** All that was to be done is done; it is being checked. */
  VERIFYING,
  /** Every step was verified. */
  CONTAINED,
  /** Something was done, but not all of it, or not all of it was verified. */
  PARTIAL,
  /** What was done is being undone. */
  RECOVERING,
  /** Everything was undone. */
  RECOVERED,
  /** A person refused the plan. */
  REJECTED,
  /** No approval came in time. */
  EXPIRED,
  /** Nothing could be done. */
  FAILED;

  /** Whether nothing will happen any more. */
  public boolean terminal() {
    return switch (this) {
      case UNRESOLVED,
          OBSERVED,
          PLANNED,
          DRY_RUN,
          SUPPRESSED,
          RECOVERED,
          REJECTED,
          EXPIRED,
          FAILED ->
          true;
      case PLANNING, AWAITING_APPROVAL, EXECUTING, VERIFYING, CONTAINED, PARTIAL, RECOVERING ->
          false;
    };
  }
}
