package io.meshward.testkit;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * How an X.509-SVID is issued. Immutable; each method gives a changed copy.
 *
 * @param timeToLive from the instant of issue to notAfter
 * @param backdated how far notBefore lies before the instant of issue; SPIRE takes 10 seconds
 * @param variations what is unusual or wrong about it
 */
public record IssueOptions(Duration timeToLive, Duration backdated, Set<Variation> variations) {

  /** One hour from now, and nothing unusual. */
  public static final IssueOptions DEFAULT =
      new IssueOptions(Duration.ofHours(1), Duration.ZERO, Set.of());

  /**
   * @throws IllegalArgumentException if a duration is out of range
   */
  public IssueOptions {
    if (timeToLive.toSeconds() < 1) {
      throw new IllegalArgumentException(
          "time to live of at least a second expected, was " + timeToLive);
    }
    if (backdated.isNegative()) {
      throw new IllegalArgumentException("no negative backdating expected, was " + backdated);
    }
    variations =
        variations.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(variations));
  }

  /** These options with the given variations, and nothing else unusual. */
  public IssueOptions with(Variation... only) {
    return new IssueOptions(timeToLive, backdated, Set.of(only));
  }

  /** These options with another time to live. */
  public IssueOptions timeToLive(Duration duration) {
    return new IssueOptions(duration, backdated, variations);
  }

  /** These options with a notBefore that lies before the instant of issue. */
  public IssueOptions backdated(Duration duration) {
    return new IssueOptions(timeToLive, duration, variations);
  }

  boolean has(Variation variation) {
    return variations.contains(variation);
  }
}
