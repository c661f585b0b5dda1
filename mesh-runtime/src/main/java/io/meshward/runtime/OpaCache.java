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
 * are forgotten. At most {@value #MOST} are kept, those used last, and none whose question is
 * longer than {@value #LONGEST_QUESTION} characters: callers make up methods and metadata. What is
 * over is swept when others come. Thread-safe.
 */
final class OpaCache {
  private static final int MOST = 10_000;
  static final int LONGEST_QUESTION = 1_024;

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
  private long sweptAt;

  /** All that the input depends on. */
  record Key(
      ConnectionFacts connection,
      SpiffeId principal,
      String method,
      List<@Nullable String> headers,
      String tokenHash,
      double risk) {

    /** How much of it a caller can make up, in characters. */
    int length() {
      int length = method.length();
      for (String header : headers) {
        length += header == null ? 0 : header.length();
      }
      return length;
    }
  }

  private record Kept(CompletableFuture<DecisionPoint.Answer> answer, long until) {}

  OpaCache(Duration kept, LongSupplier nanoTime) {
    this.keptNanos = kept.toNanos();
    this.nanoTime = nanoTime;
    this.sweptAt = nanoTime.getAsLong();
  }

  synchronized int size() {
    return entries.size();
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
    long now = nanoTime.getAsLong();
    if (now - sweptAt >= keptNanos) {
      sweptAt = now;
      entries.values().removeIf(kept -> now - kept.until() >= 0);
    }
    if (keptNanos > 0 && key.length() <= LONGEST_QUESTION) {
      entries.put(key, new Kept(CompletableFuture.completedFuture(answer), now + keptNanos));
    }
  }
}
