package io.meshward.runtime;

import java.util.List;

/** What an {@link IdentitySource} says. */
sealed interface IdentityUpdate {

  /**
   * The full state, replacing all that was said before.
   *
   * @param revocations the revocation lists that came with it
   */
  record Issued(WorkloadIdentity identity, List<RevocationList> revocations)
      implements IdentityUpdate {
    public Issued {
      revocations = List.copyOf(revocations);
    }

    public Issued(WorkloadIdentity identity) {
      this(identity, List.of());
    }
  }

  /** This workload has no identity any more and must stop using the one it had. */
  record Withdrawn(String reason) implements IdentityUpdate {}

  /**
   * Nothing new could be read; what was said before still holds.
   *
   * @param retrying whether the source goes on trying
   */
  record Failed(String reason, boolean retrying) implements IdentityUpdate {}
}
