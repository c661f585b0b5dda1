package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Named.named;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshward.schemas.AuthzDecision;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Calls whose token cannot be had: they fail, soon and as unavailable, and are never sent. */
class JwtCallCredentialsTest {
  private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

  private final Shop shop = new Shop();
  private final MeshRuntime frontend = shop.frontendRuntime();
  private final ManagedChannel channel = shop.dial(frontend, shop.serve(shop.ordersRuntime()));

  @AfterEach
  void close() {
    shop.close();
  }

  static Stream<Named<JwtSvidCache>> faults() {
    return Stream.of(
        named(
            "the fetch is refused", cache(JwtCallCredentialsTest::refused, svid -> true, THREADS)),
        named(
            "the fetch fails as nobody expects",
            cache(
                audience -> {
                  throw new IllegalStateException("a fault");
                },
                svid -> true,
                THREADS)),
        named(
            "the fetch ends in an error",
            cache(
                audience -> {
                  throw new AssertionError("a fault");
                },
                svid -> true,
                THREADS)),
        named(
            "a token cannot be judged",
            cache(
                JwtCallCredentialsTest::token,
                svid -> {
                  throw new IllegalStateException("a fault");
                },
                Runnable::run)),
        named(
            "no fetch can begin",
            cache(
                JwtCallCredentialsTest::token,
                svid -> true,
                task -> {
                  throw new RejectedExecutionException("a fault");
                })));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void failsAsUnavailableAndIsNotSent(JwtSvidCache cache) {
    for (int i = 0; i < 2; i++) {
      Status status =
          catchThrowableOfType(StatusRuntimeException.class, () -> call(cache)).getStatus();

      assertThat(status.getCode()).as("%s", status).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(status.getDescription()).contains("no JWT-SVID").contains("a fault");
    }

    assertThat(Echo.call(channel, "without")).contains("frontend");
    shop.serverEvents.await(AuthzDecision.class, decision -> true);
    assertThat(shop.serverEvents.of(AuthzDecision.class)).as("the last call").hasSize(1);
  }

  @Test
  void aFetchThatCouldNotBeginIsBegunByTheNextCall() {
    AtomicBoolean full = new AtomicBoolean(true);
    JwtSvidCache cache =
        cache(
            audience -> frontend.jwtSvids().fetch(shop.frontend, List.of(audience)),
            svid -> true,
            task -> {
              if (full.get()) {
                throw new RejectedExecutionException("full");
              }
              THREADS.execute(task);
            });
    assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> call(cache))).isNotNull();

    full.set(false);

    assertThat(call(cache)).contains("frontend");
  }

  private String call(JwtSvidCache cache) {
    return ClientCalls.blockingUnaryCall(
        channel,
        Echo.WHO,
        CallOptions.DEFAULT
            .withCallCredentials(new JwtCallCredentials(cache, "orders"))
            .withDeadlineAfter(30, TimeUnit.SECONDS),
        "hello");
  }

  private static JwtSvidCache cache(
      Function<String, JwtSvid> fetch, Predicate<JwtSvid> usable, Executor executor) {
    return new JwtSvidCache(fetch, usable, Clock.systemUTC(), executor);
  }

  private static JwtSvid refused(String audience) {
    throw new MeshRuntimeException("no JWT-SVID: a fault for " + audience);
  }

  private static JwtSvid token(String audience) {
    return new JwtSvid(
        Calls.FRONTEND,
        List.of(audience),
        Instant.now().plusSeconds(300),
        Map.of(),
        "a token",
        null);
  }
}
