package io.meshward.runtime;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How many handshakes of one address are reported: {@value #BURST} at once and then {@value
 * #PER_SECOND} a second, those that fail apart from those that succeed, so that a flood of failures
 * cannot hide who got in. The rest is counted. At most {@value #MOST_ADDRESSES} addresses are told
 * apart, those seen last. Thread-safe.
 */
final class HandshakeLimit {
  static final int BURST = 256;
  private static final int PER_SECOND = 32;
  private static final int MOST_ADDRESSES = 4_096;

  private record Key(@Nullable String ip, boolean succeeded) {}

  /** Room for reports, which time gives back. */
  private static final class Room {
    private double left = BURST;
    private long at;

    Room(long at) {
      this.at = at;
    }

    boolean take(long now) {
      double given = (now - at) / (double) TimeUnit.SECONDS.toNanos(1) * PER_SECOND;
      left = Math.min(BURST, left + given);
      at = now;
      if (left < 1) {
        return false;
      }
      left--;
      return true;
    }
  }

  private final LongSupplier nanoTime;
  private final AtomicLong leftOut = new AtomicLong();
  private final Map<Key, Room> rooms =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Room> eldest) {
          return size() > MOST_ADDRESSES;
        }
      };

  HandshakeLimit(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Whether a handshake is reported; counts it if it is not. */
  boolean lets(@Nullable String ip, boolean succeeded) {
    long now = nanoTime.getAsLong();
    boolean taken;
    synchronized (rooms) {
      taken = rooms.computeIfAbsent(new Key(ip, succeeded), key -> new Room(now)).take(now);
    }
    if (!taken) {
      leftOut.incrementAndGet();
    }
    return taken;
  }

  /** How many have not been reported so far. */
  long leftOut() {
    return leftOut.get();
  }
}
