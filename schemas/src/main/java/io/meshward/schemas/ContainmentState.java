package io.meshward.schemas;

/** Where a containment stands. */
public enum ContainmentState {
  UNRESOLVED,
  OBSERVED,
  PLANNED,
  DRY_RUN,
  AWAITING_APPROVAL,
  SUPPRESSED,
  EXECUTING,
  VERIFYING,
  CONTAINED,
  PARTIAL,
  RECOVERING,
  RECOVERED,
  REJECTED,
  EXPIRED,
  FAILED
}
