package io.meshward.runtime;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tokens by audience, fetched again once half of their life is over: one fetch at a time for an
 * audience, however many ask. When a fetch fails, the token of before is good until it ends.
 * Bounded: the audience that was asked for longest ago is forgotten first. Thread-safe.
 */
final class JwtSvidCache {
  private static final Logger log = LoggerFactory.getLogger(JwtSvidCache.class);
  static final int MAX_AUDIENCES = 256;

  /** So long a failed fetch is not repeated while an older token is still good. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  /** The token for one audience. */
  private final class Slot {
    private final String audience;
    private @Nullable JwtSvid held;
    private Instant refreshAt = Instant.MIN;

    Slot(String audience) {
      this.audience = audience;
    }

    synchronized JwtSvid current() {
      Instant now = clock.instant();
      JwtSvid before = held;
      boolean good = before != null && now.isBefore(before.expiresAt()) && usable.test(before);
      if (before != null && good && now.isBefore(refreshAt)) {
        return before;
      }
      try {
        JwtSvid fetched = fetch.apply(audience);
        held = fetched;
        refreshAt = now.plus(Duration.between(now, fetched.expiresAt()).dividedBy(2));
        return fetched;
      } catch (MeshRuntimeException e) {
        if (before == null || !good) {
          throw e;
        }
        log.atWarn()
            .addKeyValue("audience", audience)
            .addKeyValue("reason", e.getMessage())
            .log("a JWT-SVID could not be fetched again; the one of before is used");
        refreshAt = now.plus(PAUSE);
        return before;
      }
    }
  }

  private final Function<String, JwtSvid> fetch;
  private final Predicate<JwtSvid> usable;
  private final Clock clock;
  private final Map<String, Slot> slots =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Slot> eldest) {
          return size() > MAX_AUDIENCES;
        }
      };

  /**
   * @param fetch gives a new token for an audience, or throws {@link MeshRuntimeException}
   * @param usable whether a token from before can still be presented
   */
  JwtSvidCache(Function<String, JwtSvid> fetch, Predicate<JwtSvid> usable, Clock clock) {
    this.fetch = fetch;
    this.usable = usable;
    this.clock = clock;
  }

  /**
   * A token for an audience that is good now; fetches one if need be, and then blocks.
   *
   * @throws MeshRuntimeException if there is none
   */
  JwtSvid get(String audience) {
    Slot slot;
    synchronized (slots) {
      slot = slots.computeIfAbsent(audience, Slot::new);
    }
    return slot.current();
  }
}
