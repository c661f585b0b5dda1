package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.SettableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
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
      new JwtSvidCache(this::fetch, svid -> svid.id().equals(own), clock, Runnable::run);

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
    CountDownLatch all = new CountDownLatch(8);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      JwtSvidCache slow =
          new JwtSvidCache(
              audience -> {
                await(all);
                return fetch(audience);
              },
              svid -> true,
              clock,
              threads);
      for (Future<JwtSvid> one : askEightTimes(slow, threads, all)) {
        assertThat(one.get().token()).isEqualTo("a-1");
      }
    }
    assertThat(fetched).hasSize(1);
  }

  @Test
  void whoWaitsForAFetchThatFailsHearsOfItAndWaitsForNoOther() throws Exception {
    AtomicInteger fetches = new AtomicInteger();
    CountDownLatch eight = new CountDownLatch(8);
    CountDownLatch waiting = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      JwtSvidCache slow =
          new JwtSvidCache(
              audience -> {
                fetches.incrementAndGet();
                await(waiting);
                throw new MeshRuntimeException("the agent is away");
              },
              svid -> true,
              clock,
              threads);
      List<Thread> callers = new ArrayList<>();
      List<Future<JwtSvid>> asked = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        asked.add(
            threads.submit(
                () -> {
                  synchronized (callers) {
                    callers.add(Thread.currentThread());
                  }
                  eight.countDown();
                  return slow.get("a");
                }));
      }
      await(eight);
      Eventually.await("eight that wait", () -> callers.stream().allMatch(JwtSvidCacheTest::waits));
      waiting.countDown();
      for (Future<JwtSvid> one : asked) {
        assertThatThrownBy(one::get).hasMessageContaining("the agent is away");
      }
    }
    assertThat(fetches).hasValue(1);
  }

  @Test
  void aGoodTokenIsGivenAtOnceWhileOneFetchBringsTheNext() {
    AtomicInteger fetches = new AtomicInteger();
    CountDownLatch answering = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      JwtSvidCache silent =
          new JwtSvidCache(
              audience -> {
                if (fetches.incrementAndGet() > 1) {
                  await(answering);
                }
                return fetch(audience);
              },
              svid -> true,
              clock,
              threads);
      silent.get("a");
      clock.advance(LIFE.minusMillis(1));
      for (int i = 0; i < 8; i++) {
        assertThat(silent.get("a").token()).isEqualTo("a-1");
      }
      answering.countDown();
      Eventually.await("the next token", () -> silent.get("a").token().equals("a-2"));
    }
    assertThat(fetches).hasValue(2);
  }

  private static boolean waits(Thread caller) {
    return Arrays.stream(caller.getStackTrace())
        .anyMatch(frame -> frame.getClassName().equals(CompletableFuture.class.getName()));
  }

  private static List<Future<JwtSvid>> askEightTimes(
      JwtSvidCache cache, ExecutorService threads, CountDownLatch each) {
    List<Future<JwtSvid>> asked = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      asked.add(
          threads.submit(
              () -> {
                each.countDown();
                return cache.get("a");
              }));
    }
    return asked;
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
