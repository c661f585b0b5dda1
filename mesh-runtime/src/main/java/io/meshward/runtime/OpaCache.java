package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * OPA's answers, for a short time and under one revision of its policy: when another one shows, all
 * are forgotten. At most {@value #MOST} are kept, those used last. Thread-safe.
 */
final class OpaCache {
  private static final int MOST = 10_000;

  private final long keptNanos;
  private final LongSupplier nanoTime;
  private final Map<Key, Kept> entries =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Kept> eldest) {
          return size() > MOST;
        }
      };
  private @Nullable String revision;
  private long revisionSeenAt;

  /** All that the input depends on. */
  record Key(
      ConnectionFacts connection,
      SpiffeId principal,
      String method,
      List<@Nullable String> headers,
      String tokenHash,
      double risk) {}

  private record Kept(CompletableFuture<DecisionPoint.Answer> answer, long until) {}

  OpaCache(Duration kept, LongSupplier nanoTime) {
    this.keptNanos = kept.toNanos();
    this.nanoTime = nanoTime;
  }

  long time() {
    return nanoTime.getAsLong();
  }

  synchronized @Nullable CompletableFuture<DecisionPoint.Answer> find(Key key) {
    Kept found = entries.get(key);
    if (found == null) {
      return null;
    }
    if (nanoTime.getAsLong() - found.until() >= 0) {
      entries.remove(key);
      return null;
    }
    return found.answer();
  }

  /**
   * Keeps an answer.
   *
   * @param from the revision that gave it
   * @param askedAt when it was asked for: an answer that is older than the newest revision may not
   *     bring its own back
   */
  synchronized void put(Key key, DecisionPoint.Answer answer, String from, long askedAt) {
    if (!from.equals(revision)) {
      if (revision != null && askedAt - revisionSeenAt < 0) {
        return;
      }
      entries.clear();
      revision = from;
      revisionSeenAt = nanoTime.getAsLong();
    }
    if (keptNanos > 0) {
      entries.put(
          key,
          new Kept(CompletableFuture.completedFuture(answer), nanoTime.getAsLong() + keptNanos));
    }
  }
}
