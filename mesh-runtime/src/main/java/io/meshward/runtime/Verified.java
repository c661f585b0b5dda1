package io.meshward.runtime;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What has been verified, by the very text or certificates that were, so that it need not be
 * verified again for the next call or connection: as long as it lives and as long as what it was
 * verified by is the same. Only what was found good is kept, and at most {@value #MOST} of it, used
 * last. Thread-safe.
 *
 * @param <K> what is verified, equal only if every byte is
 * @param <T> what it was found to be
 */
final class Verified<K, T> {
  private static final int MOST = 1_024;

  private record Kept<T>(T value, Object by, Instant from, Instant until) {}

  private final Map<K, Kept<T>> entries =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<K, Kept<T>> eldest) {
          return size() > MOST;
        }
      };

  /**
   * What it was verified to be, if that still stands.
   *
   * @param by what is verified by now: the very same object, since comparing authorities by value
   *     would cost more than is saved
   */
  @SuppressWarnings("ReferenceEquality")
  synchronized @Nullable T find(K proof, Object by, Instant now) {
    Kept<T> entry = entries.get(proof);
    if (entry == null) {
      return null;
    }
    if (entry.by != by || now.isBefore(entry.from) || !now.isBefore(entry.until)) {
      entries.remove(proof);
      return null;
    }
    return entry.value;
  }

  /**
   * Keeps what it was verified to be.
   *
   * @param from when that was: a clock that is set back is not believed
   * @param until the first moment at which it may be over
   */
  synchronized void put(K proof, T value, Object by, Instant from, Instant until) {
    entries.put(proof, new Kept<>(value, by, from, until));
  }
}
