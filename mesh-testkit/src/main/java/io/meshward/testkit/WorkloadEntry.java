package io.meshward.testkit;

import io.meshward.schemas.SpiffeId;
import java.time.Duration;

/**
 * One identity that a workload is entitled to. Immutable; each method gives a changed copy.
 *
 * @param hint which use it is meant for, empty for none
 * @param options how its X.509-SVIDs are issued
 * @param jwtTimeToLive of its JWT-SVIDs
 */
public record WorkloadEntry(
    SpiffeId id, String hint, IssueOptions options, Duration jwtTimeToLive) {

  /** An identity without a hint: X.509-SVIDs for an hour and JWT-SVIDs for five minutes. */
  public static WorkloadEntry of(SpiffeId id) {
    return new WorkloadEntry(id, "", IssueOptions.DEFAULT, Duration.ofMinutes(5));
  }

  /** This identity with a hint. */
  public WorkloadEntry hint(String value) {
    return new WorkloadEntry(id, value, options, jwtTimeToLive);
  }

  /** This identity with X.509-SVIDs of another kind. */
  public WorkloadEntry options(IssueOptions value) {
    return new WorkloadEntry(id, hint, value, jwtTimeToLive);
  }

  /** This identity with X.509-SVIDs of another time to live. */
  public WorkloadEntry timeToLive(Duration value) {
    return options(options.timeToLive(value));
  }

  /** This identity with JWT-SVIDs of another time to live. */
  public WorkloadEntry jwtTimeToLive(Duration value) {
    return new WorkloadEntry(id, hint, options, value);
  }
}
