package io.meshward.runtime;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * Asks the source again when no new SVID came in two thirds of the life of this one: its watch may
 * have gone silent without an end. A source that has given up asks nobody any more. For one thread.
 */
final class StaleWatchdog {
  /** How many times it asks before the SVID is over. */
  private static final int TRIES = 4;

  private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

  private final IdentitySource source;
  private final Clock clock;
  private Instant next = Instant.MIN;

  StaleWatchdog(IdentitySource source, Clock clock) {
    this.source = source;
    this.clock = clock;
  }

  void observe(RuntimeState state) {
    Instant now = clock.instant();
    if (state instanceof RuntimeState.Stale stale && !now.isBefore(next)) {
      Duration pause = stale.svid().lifetime().dividedBy(3L * TRIES);
      next = now.plus(pause.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : pause);
      source.refresh();
    }
  }
}
