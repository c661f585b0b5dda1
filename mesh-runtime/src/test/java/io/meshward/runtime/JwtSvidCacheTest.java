package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.SettableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class JwtSvidCacheTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId BATCH = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/batch");
  private static final Duration LIFE = Duration.ofMinutes(5);

  private final SettableClock clock = new SettableClock(Instant.parse("2026-01-02T03:04:05Z"));
  private final List<String> fetched = new ArrayList<>();
  private boolean failing;
  private SpiffeId own = ORDERS;
  private final JwtSvidCache cache =
      new JwtSvidCache(this::fetch, svid -> svid.id().equals(own), clock);

  private synchronized JwtSvid fetch(String audience) {
    if (failing) {
      throw new MeshRuntimeException("the agent is away");
    }
    fetched.add(audience);
    return new JwtSvid(
        own,
        List.of(audience),
        clock.instant().plus(LIFE),
        Map.of(),
        audience + "-" + fetched.size(),
        null);
  }

  @Test
  void fetchesOnceForEachAudienceUntilHalfOfTheLifeIsOver() {
    assertThat(cache.get("a").token()).isEqualTo("a-1");
    assertThat(cache.get("b").token()).isEqualTo("b-2");
    clock.advance(LIFE.dividedBy(2).minusMillis(1));
    assertThat(cache.get("a").token()).isEqualTo("a-1");
    clock.advance(Duration.ofMillis(1));
    assertThat(cache.get("a").token()).isEqualTo("a-3");
  }

  @Test
  void usesATokenToItsEndAndNoLongerWhileNoNewOneCanBeFetched() {
    cache.get("a");
    failing = true;
    clock.advance(LIFE.minusMillis(1));
    assertThat(cache.get("a").token()).isEqualTo("a-1");
    clock.advance(Duration.ofMillis(1));

    assertThatThrownBy(() -> cache.get("a"))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("away");
    failing = false;
    assertThat(cache.get("a").token()).isEqualTo("a-2");
  }

  @Test
  void presentsNoTokenOfAnIdentityThatWasReplaced() {
    cache.get("a");
    own = BATCH;

    assertThat(cache.get("a").id()).isEqualTo(BATCH);
    own = ORDERS;
    failing = true;
    assertThatThrownBy(() -> cache.get("a")).isInstanceOf(MeshRuntimeException.class);
  }

  @Test
  void forgetsTheAudienceThatWasAskedForLongestAgo() {
    for (int i = 0; i < JwtSvidCache.MAX_AUDIENCES; i++) {
      cache.get("a" + i);
    }
    cache.get("a0");
    cache.get("one more");
    int before = fetched.size();

    cache.get("a0");
    assertThat(fetched).hasSize(before);
    cache.get("a1");
    assertThat(fetched).hasSize(before + 1);
  }

  @Test
  void fetchesOnceHoweverManyAsk() throws Exception {
    AtomicInteger fetches = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(8);
    JwtSvidCache slow =
        new JwtSvidCache(
            audience -> {
              fetches.incrementAndGet();
              try {
                assertThat(all.await(10, TimeUnit.SECONDS)).isTrue();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              return fetch(audience);
            },
            svid -> true,
            clock);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<JwtSvid>> asked = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        asked.add(
            threads.submit(
                () -> {
                  all.countDown();
                  return slow.get("a");
                }));
      }
      for (Future<JwtSvid> one : asked) {
        assertThat(one.get().token()).isEqualTo("a-1");
      }
    }
    assertThat(fetches).hasValue(1);
  }
}
