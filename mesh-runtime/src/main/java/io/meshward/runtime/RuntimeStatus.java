package io.meshward.runtime;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a runtime stands, for health checks and gauges.
 *
 * @param identity its own identity
 * @param quarantineRead whether the holds have been read; until then everything is refused
 * @param quarantineAgeMs milliseconds since the holds were last known to be up to date; -1 before
 * @param holds how many holds are applied
 * @param quarantinedBy the containment that holds this workload itself, if one does: everything is
 *     refused until it is released, or an SVID comes that it does not mean
 * @param connections how many connections are open, of both roles
 * @param connectionsRefused how many were closed at once so far, because there were too many
 * @param policy name and content hash of the policy in force
 * @param policyProblem what is wrong with the newest policy, if anything: an older one is in force
 * @param policyAgeMs milliseconds since the policy's source was last known to be up to date; -1
 *     before
 * @param riskAgeMs the same of the risk scores
 * @param dropped how many events of each class were dropped so far
 */
public record RuntimeStatus(
    RuntimeState identity,
    boolean quarantineRead,
    long quarantineAgeMs,
    int holds,
    @Nullable String quarantinedBy,
    int connections,
    long connectionsRefused,
    String policy,
    @Nullable String policyProblem,
    long policyAgeMs,
    long riskAgeMs,
    Map<EventClass, Long> dropped) {
  public RuntimeStatus {
    dropped = Map.copyOf(dropped);
  }

  /** Whether this workload serves and dials now: what a readiness probe asks. */
  public boolean open() {
    return closedBecause().isEmpty();
  }

  /** Why this workload neither serves nor dials now, for people; nothing if it does. */
  public Optional<String> closedBecause() {
    return switch (identity) {
      case RuntimeState.Starting starting -> Optional.of("no SVID yet: " + starting.problem());
      case RuntimeState.Withdrawn withdrawn ->
          Optional.of("the SVID is withdrawn: " + withdrawn.reason());
      case RuntimeState.Expired expired -> Optional.of("the SVID expired at " + expired.since());
      case RuntimeState.Ready ready -> quarantine();
      case RuntimeState.Stale stale -> quarantine();
    };
  }

  private Optional<String> quarantine() {
    if (!quarantineRead) {
      return Optional.of("the quarantine has not been read to its end yet");
    }
    return Optional.ofNullable(quarantinedBy)
        .map(containment -> "own identity is quarantined by containment " + containment);
  }
}
