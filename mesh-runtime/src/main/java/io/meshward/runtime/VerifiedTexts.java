package io.meshward.runtime;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What has been verified, by the very text that was, so that it need not be verified again for the
 * next call: as long as it lives and as long as what it was verified by is the same. Only what was
 * found good is kept, and at most {@value #MOST} of it, used last. Thread-safe.
 */
final class VerifiedTexts<T> {
  private static final int MOST = 1_024;

  private record Kept<T>(T value, Object by, Instant until) {}

  private final Map<String, Kept<T>> entries =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Kept<T>> eldest) {
          return size() > MOST;
        }
      };

  /**
   * What a text was verified to be, if it still stands.
   *
   * @param by what texts are verified by now: the very same object, since comparing authorities by
   *     value would cost more than is saved
   */
  @SuppressWarnings("ReferenceEquality")
  synchronized @Nullable T find(String text, Object by, Instant now) {
    Kept<T> entry = entries.get(text);
    if (entry == null) {
      return null;
    }
    if (entry.by != by || !now.isBefore(entry.until)) {
      entries.remove(text);
      return null;
    }
    return entry.value;
  }

  synchronized void put(String text, T value, Object by, Instant until) {
    entries.put(text, new Kept<>(value, by, until));
  }
}
