package io.meshward.daemon;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many bytes of dead letters each sender, and all together, may write: a bucket each, filled
 * evenly over a minute. What goes beyond is counted per sender. Not thread-safe.
 */
final class DeadLetterQuota {
  static final long BYTES_PER_SENDER = 1024 * 1024;
  static final long BYTES_IN_ALL = 8 * 1024 * 1024;
  private static final int SENDERS = 1000;
  private static final long FILL_NANOS = 60_000_000_000L;

  private final Bucket all = new Bucket(BYTES_IN_ALL);

  /** By last use: the one that was silent longest makes room. */
  private final Map<String, Bucket> senders =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > SENDERS;
        }
      };

  /** What was not written of a sender's letters. */
  record Dropped(long letters, long bytes) {}

  private static final class Bucket {
    private final long capacity;
    private double left;
    private long filled;
    private boolean used;
    private long droppedLetters;
    private long droppedBytes;

    Bucket(long capacity) {
      this.capacity = capacity;
      left = capacity;
    }

    boolean holds(long bytes, long now) {
      if (used) {
        left = Math.min((double) capacity, left + (double) capacity * (now - filled) / FILL_NANOS);
      }
      used = true;
      filled = now;
      return left >= bytes;
    }
  }

  /**
   * Whether a letter may be written; it counts as written then.
   *
   * @param now in {@link System#nanoTime()}
   */
  boolean admits(String sender, long bytes, long now) {
    Bucket bucket = senders.computeIfAbsent(sender, key -> new Bucket(BYTES_PER_SENDER));
    boolean own = bucket.holds(bytes, now);
    if (own && all.holds(bytes, now)) {
      bucket.left -= bytes;
      all.left -= bytes;
      return true;
    }
    bucket.droppedLetters++;
    bucket.droppedBytes += bytes;
    return false;
  }

  /** What was dropped of each sender since the last call. */
  Map<String, Dropped> takeDropped() {
    Map<String, Dropped> dropped = new LinkedHashMap<>();
    senders.forEach(
        (sender, bucket) -> {
          if (bucket.droppedLetters > 0) {
            dropped.put(sender, new Dropped(bucket.droppedLetters, bucket.droppedBytes));
            bucket.droppedLetters = 0;
            bucket.droppedBytes = 0;
          }
        });
    return dropped;
  }
}
