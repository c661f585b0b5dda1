package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Which plain allows are reported: of each edge, a caller and a method, the first one and then one
 * in so many; the rest is counted. An edge beyond those that can be remembered is new each time.
 * Thread-safe.
 */
final class AllowSampler {
  private static final int MOST_EDGES = 16_384;

  private record Edge(SpiffeId caller, String method) {}

  private final int oneIn;
  private final ConcurrentHashMap<Edge, AtomicLong> edges = new ConcurrentHashMap<>();
  private final AtomicLong leftOut = new AtomicLong();

  AllowSampler(int oneIn) {
    this.oneIn = oneIn;
  }

  /** Whether a plain allow is reported; counts it if it is not. */
  boolean lets(SpiffeId caller, String method) {
    if (oneIn == 1) {
      return true;
    }
    AtomicLong seen = seen(new Edge(caller, method));
    if (seen == null || seen.getAndIncrement() % oneIn == 0) {
      return true;
    }
    leftOut.incrementAndGet();
    return false;
  }

  private @Nullable AtomicLong seen(Edge edge) {
    AtomicLong seen = edges.get(edge);
    return seen != null || edges.size() >= MOST_EDGES
        ? seen
        : edges.computeIfAbsent(edge, any -> new AtomicLong());
  }

  /** How many have not been reported so far. */
  long leftOut() {
    return leftOut.get();
  }
}
