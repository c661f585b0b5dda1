package io.meshward.runtime;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tokens by audience, fetched again once half of their life is over: one fetch at a time for an
 * audience, however many ask. A token that is good is given at once, also while a new one is
 * fetched, and until its end if that fails; only who asks while there is none waits. Bounded: the
 * audience that was asked for longest ago is forgotten first. Thread-safe.
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
    private @Nullable CompletableFuture<JwtSvid> fetching;

    Slot(String audience) {
      this.audience = audience;
    }

    /** The token in hand if it is good, else what a fetch brings. */
    JwtSvid current() {
      while (true) {
        CompletableFuture<JwtSvid> awaited;
        boolean own = false;
        synchronized (this) {
          JwtSvid good = good();
          if (good != null && clock.instant().isBefore(refreshAt)) {
            return good;
          }
          awaited = fetching;
          if (awaited == null) {
            own = true;
            awaited = begin();
            good = good();
          }
          if (good != null) {
            return good;
          }
        }
        JwtSvid fetched = await(awaited);
        // One that others began may be of an identity that has been replaced since.
        if (own || usable.test(fetched)) {
          return fetched;
        }
      }
    }

    private @Nullable JwtSvid good() {
      JwtSvid token = held;
      return token != null && clock.instant().isBefore(token.expiresAt()) && usable.test(token)
          ? token
          : null;
    }

    private CompletableFuture<JwtSvid> begin() {
      CompletableFuture<JwtSvid> begun = new CompletableFuture<>();
      fetching = begun;
      try {
        executor.execute(() -> run(begun));
      } catch (RuntimeException | Error e) {
        failed(e);
        begun.completeExceptionally(e);
      }
      return begun;
    }

    private void run(CompletableFuture<JwtSvid> begun) {
      try {
        JwtSvid fetched = fetch.apply(audience);
        took(fetched);
        begun.complete(fetched);
      } catch (RuntimeException | Error e) {
        // Whoever waits has to hear of it, whatever it is.
        failed(e);
        begun.completeExceptionally(e);
      }
    }

    private synchronized void took(JwtSvid fetched) {
      Instant now = clock.instant();
      held = fetched;
      refreshAt = now.plus(Duration.between(now, fetched.expiresAt()).dividedBy(2));
      fetching = null;
    }

    private synchronized void failed(Throwable failure) {
      fetching = null;
      if (good() != null) {
        log.atWarn()
            .addKeyValue("audience", audience)
            .addKeyValue("reason", failure.getMessage())
            .log("a JWT-SVID could not be fetched again; the one of before is used");
        refreshAt = clock.instant().plus(PAUSE);
      }
    }
  }

  private final Function<String, JwtSvid> fetch;
  private final Predicate<JwtSvid> usable;
  private final Clock clock;
  private final Executor executor;
  private final Map<String, Slot> slots =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Slot> eldest) {
          return size() > MAX_AUDIENCES;
        }
      };

  /**
   * @param fetch gives a new token for an audience, or throws {@link MeshRuntimeException}; may
   *     take its time, but not for ever
   * @param usable whether a token from before can still be presented
   * @param executor runs fetches
   */
  JwtSvidCache(
      Function<String, JwtSvid> fetch, Predicate<JwtSvid> usable, Clock clock, Executor executor) {
    this.fetch = fetch;
    this.usable = usable;
    this.clock = clock;
    this.executor = executor;
  }

  /**
   * A token for an audience that is good now; blocks while there is none.
   *
   * @throws MeshRuntimeException if none can be had
   */
  JwtSvid get(String audience) {
    Slot slot;
    synchronized (slots) {
      slot = slots.computeIfAbsent(audience, Slot::new);
    }
    return slot.current();
  }

  private static JwtSvid await(CompletableFuture<JwtSvid> fetching) {
    try {
      return fetching.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw cause instanceof MeshRuntimeException known
          ? new MeshRuntimeException(String.valueOf(known.getMessage()), known)
          : new MeshRuntimeException("no JWT-SVID: " + cause, cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MeshRuntimeException("interrupted while waiting for a JWT-SVID", e);
    }
  }
}
