package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Who has presented which token, and how often, until the token ends. Bounded: while as many live
 * tokens are remembered as there is room for, another one is refused and none is forgotten, so that
 * a flood cannot hide a replay. Thread-safe.
 */
final class TokenUses {
  static final int MOST = 65_536;
  private static final Duration SWEEP_PAUSE = Duration.ofSeconds(1);

  /** What a use of a token is. */
  enum Use {
    GOOD,
    /** Presented by another peer before, or more often than it may be. */
    REPLAYED,
    /** It cannot be known whether it was presented before. */
    NO_ROOM
  }

  private static final class Seen {
    private final SpiffeId carrier;
    private final Instant until;
    private int uses;

    Seen(SpiffeId carrier, Instant until) {
      this.carrier = carrier;
      this.until = until;
    }
  }

  private final int mostUses;
  private final int room;
  private final Map<String, Seen> tokens = new HashMap<>();
  private Instant sweepAt = Instant.MIN;

  TokenUses(int mostUses, int room) {
    this.mostUses = mostUses;
    this.room = room;
  }

  /**
   * Counts one use.
   *
   * @param token names the token
   * @param until when it is refused anyway
   */
  synchronized Use use(String token, SpiffeId carrier, Instant until, Instant now) {
    Seen seen = tokens.get(token);
    if (seen == null) {
      if (tokens.size() >= room && !sweep(now)) {
        return Use.NO_ROOM;
      }
      seen = new Seen(carrier, until);
      tokens.put(token, seen);
    }
    if (!seen.carrier.equals(carrier) || seen.uses >= mostUses) {
      return Use.REPLAYED;
    }
    seen.uses++;
    return Use.GOOD;
  }

  /** Forgets tokens that are over; whether there is room now. Not at each call of a flood. */
  private boolean sweep(Instant now) {
    if (now.isBefore(sweepAt)) {
      return false;
    }
    sweepAt = now.plus(SWEEP_PAUSE);
    tokens.values().removeIf(seen -> seen.until.isBefore(now));
    return tokens.size() < room;
  }
}
