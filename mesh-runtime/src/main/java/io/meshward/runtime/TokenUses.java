package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Who has presented which token, and how often, until the token ends. Bounded, in all and for each
 * carrier, so that one that floods takes the room of nobody else: while as many live tokens are
 * remembered as there is room for, another one is refused and none is forgotten, so that a flood
 * cannot hide a replay. Thread-safe.
 */
final class TokenUses {
  static final int MOST = 65_536;

  /** Of one peer that presents its own: more than a workload of many replicas is issued. */
  static final int MOST_OF_ONE = 4_096;

  /** Of one that is configured to present those of others: half of the whole. */
  static final int MOST_OF_CARRIER = MOST / 2;

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
  private final Map<SpiffeId, Integer> carried = new HashMap<>();
  private Instant sweepAt = Instant.MIN;

  TokenUses(int mostUses, int room) {
    this.mostUses = mostUses;
    this.room = room;
  }

  /**
   * Counts one use.
   *
   * @param token names the token
   * @param share how many live tokens may be remembered of this carrier
   * @param until when it is refused anyway
   */
  synchronized Use use(String token, SpiffeId carrier, int share, Instant until, Instant now) {
    Seen seen = tokens.get(token);
    if (seen == null) {
      if (!hasRoom(carrier, share)) {
        sweep(now);
        if (!hasRoom(carrier, share)) {
          return Use.NO_ROOM;
        }
      }
      seen = new Seen(carrier, until);
      tokens.put(token, seen);
      carried.merge(carrier, 1, Integer::sum);
    }
    if (!seen.carrier.equals(carrier) || seen.uses >= mostUses) {
      return Use.REPLAYED;
    }
    seen.uses++;
    return Use.GOOD;
  }

  private boolean hasRoom(SpiffeId carrier, int share) {
    return tokens.size() < room && carried.getOrDefault(carrier, 0) < share;
  }

  /** Forgets tokens that are over. Not at each call of a flood. */
  private void sweep(Instant now) {
    if (now.isBefore(sweepAt)) {
      return;
    }
    sweepAt = now.plus(SWEEP_PAUSE);
    tokens.values().removeIf(seen -> seen.until.isBefore(now));
    carried.clear();
    tokens.values().forEach(seen -> carried.merge(seen.carrier, 1, Integer::sum));
  }
}
