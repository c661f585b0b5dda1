package io.meshward.detect;

import java.util.HashMap;
import java.util.Map;

/**
 * How far time has come on one partition of facts: told by nothing but its records, so that the
 * same records tell the same time.
 *
 * <p>The watermark is the least promise of all matching tasks that speak. Each speaks at least once
 * a second, so that all are known {@value #SETTLING_MS} ms after the first was heard; before that
 * there is no watermark. A task that was silent for {@value #SILENCE_MS} ms is gone. Not
 * thread-safe.
 */
final class PartitionClock {
  static final long SETTLING_MS = 5_000;
  static final long SILENCE_MS = 30_000;

  private static final long UNKNOWN = Long.MIN_VALUE;

  private record Promise(long time, long heard) {}

  private final Map<String, Promise> promises = new HashMap<>();
  private long now = UNKNOWN;
  private long firstHeard = UNKNOWN;
  private long watermark = UNKNOWN;

  /** A record of the partition was written at a time. */
  void advance(long writtenAt) {
    now = Math.max(now, writtenAt);
  }

  /** A task promised to send no earlier event time; a smaller promise than before changes none. */
  void promise(String task, long time) {
    if (firstHeard == UNKNOWN) {
      firstHeard = now;
    }
    promises.merge(
        task,
        new Promise(time, now),
        (known, heard) -> new Promise(Math.max(known.time(), heard.time()), heard.heard()));
    promises.values().removeIf(promise -> now - promise.heard() > SILENCE_MS);
    if (now - firstHeard >= SETTLING_MS) {
      long least = promises.values().stream().mapToLong(Promise::time).min().orElse(UNKNOWN);
      watermark = Math.max(watermark, least);
    }
  }

  /** The latest time at which a record was written. */
  long now() {
    return now;
  }

  /** No fact with an earlier event time is on time; {@link Long#MIN_VALUE} while nobody knows. */
  long watermark() {
    return watermark;
  }

  EventCount.Progress progress() {
    return new EventCount.Progress(watermark, now);
  }
}
