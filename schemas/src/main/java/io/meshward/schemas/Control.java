package io.meshward.schemas;

import java.time.Instant;

/** The highest mode allowed in a cluster: kind {@code control}. */
public record Control(Limit control) implements Event {

  /** The limit; {@link ResponseMode#OBSERVE} is the kill switch. */
  public record Limit(
      String cluster, ResponseMode highestMode, String reason, String actor, Instant at) {
    public Limit {
      Require.text(cluster, "control.cluster");
    }
  }
}
