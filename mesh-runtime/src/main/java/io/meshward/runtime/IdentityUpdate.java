package io.meshward.runtime;

/** What an {@link IdentitySource} says. */
sealed interface IdentityUpdate {

  /** The full state, replacing all that was said before. */
  record Issued(WorkloadIdentity identity) implements IdentityUpdate {}

  /** This workload has no identity any more and must stop using the one it had. */
  record Withdrawn(String reason) implements IdentityUpdate {}

  /**
   * Nothing new could be read; what was said before still holds.
   *
   * @param retrying whether the source goes on trying
   */
  record Failed(String reason, boolean retrying) implements IdentityUpdate {}
}
