package io.meshward.detect;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What one matching task can promise: that it sends no match with an earlier event time, except
 * late ones. While events come, it follows the latest of them at a distance; once none came for a
 * while, it follows the clock. It never goes back. Not thread-safe.
 */
final class LowEventTime {
  /** How long no event has to come for the source to be idle. */
  static final Duration IDLE = Duration.ofSeconds(5);

  private final long latenessMs;
  private long latest = Long.MIN_VALUE;
  private long lastEvent;
  private long promised = Long.MIN_VALUE;

  /**
   * @param lateness how much earlier than the latest an event may be without being late
   * @param now the wall clock, in milliseconds
   */
  LowEventTime(Duration lateness, long now) {
    this.latenessMs = lateness.toMillis();
    this.lastEvent = now;
  }

  void event(long eventTime, long now) {
    latest = Math.max(latest, eventTime);
    lastEvent = now;
  }

  /** The promise now; empty before the first event, unless the source is idle. */
  OptionalLong promise(long now) {
    boolean idle = now - lastEvent >= IDLE.toMillis();
    long low = idle ? now : Math.min(latest, now);
    if (low != Long.MIN_VALUE) {
      promised = Math.max(promised, low - latenessMs);
    }
    return promised == Long.MIN_VALUE ? OptionalLong.empty() : OptionalLong.of(promised);
  }
}
