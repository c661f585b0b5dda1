package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.RealSpire;
import io.meshward.testkit.WorkloadEntry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two workloads over a real SPIRE server and agent. */
class RealSpireTest {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final SpiffeId ORDERS = SHOP.id(Shop.ORDERS_PATH);
  private static final SpiffeId FRONTEND = SHOP.id(Shop.FRONTEND_PATH);
  private static final Duration TIME_TO_LIVE = Duration.ofMinutes(1);
  private static final Pattern ENTRY_ID = Pattern.compile("Entry ID\\s*: (\\S+)");

  @TempDir Path directory;
  private @Nullable RealSpire running;

  @BeforeEach
  void start() {
    assumeTrue(
        RealSpire.binaries().isPresent(),
        "set " + RealSpire.FOLDER_VARIABLE + " to the folder of a SPIRE release to run this");
    RealSpire spire = RealSpire.start(RealSpire.binaries().orElseThrow(), SHOP);
    running = spire;
    spire.register(WorkloadEntry.of(ORDERS).timeToLive(TIME_TO_LIVE).hint("server"));
    spire.register(WorkloadEntry.of(FRONTEND).timeToLive(TIME_TO_LIVE).hint("client"));
  }

  @AfterEach
  void stop() {
    if (running != null) {
      running.close();
    }
  }

  @Test
  void callsGoOnOverRotationAndARestartOfTheAgentAndEndWithTheEntry() throws Exception {
    RealSpire spire = spire();
    try (MeshRuntime orders = start(ORDERS, null);
        MeshRuntime frontend = start(null, "client")) {
      assertThat(frontend.svid().id()).isEqualTo(FRONTEND);
      Server server =
          orders
              .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .addService(Echo.service())
              .build()
              .start();
      ManagedChannel channel = frontend.channelBuilder(Shop.target(server), ORDERS).build();
      Calls calls = new Calls(channel);
      try {
        X509Certificate first = orders.svid().leaf();
        X509Certificate firstClient = frontend.svid().leaf();
        await(
            "a rotation of both",
            TIME_TO_LIVE.plusSeconds(30),
            () ->
                !orders.svid().leaf().equals(first) && !frontend.svid().leaf().equals(firstClient));

        spire.stopAgent();
        spire.startAgent();
        X509Certificate second = orders.svid().leaf();
        await(
            "a rotation after the restart",
            TIME_TO_LIVE.plusSeconds(30),
            () -> !orders.svid().leaf().equals(second));
        calls.stop();
        assertThat(calls.failure()).isNull();
        assertThat(calls.made()).isGreaterThan(100);
      } finally {
        calls.stop();
      }

      spire.admin("entry", "delete", "-entryID", entryOf(ORDERS));
      await(
          "the withdrawal",
          Duration.ofSeconds(60),
          () -> orders.status().identity() instanceof RuntimeState.Withdrawn);
      assertThatThrownBy(() -> Echo.call(channel, "anyone there"))
          .isInstanceOf(StatusRuntimeException.class);
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  @Test
  void jwtSvidsAreFetchedAndVerifiedByTheKeysThatSpireServesWithoutUse() {
    try (MeshRuntime orders = start(ORDERS, null)) {
      List<JwtSvid> all = orders.jwtSvids().fetch(List.of("payment"));
      assertThat(all).extracting(JwtSvid::id).containsExactlyInAnyOrder(ORDERS, FRONTEND);

      JwtSvid one = orders.jwtSvids().fetch(FRONTEND, List.of("payment"));

      assertThat(orders.jwtSvids().validate(one.token(), "payment").id()).isEqualTo(FRONTEND);
      assertThat(one.hint()).isEqualTo("client");
      assertThatThrownBy(() -> orders.jwtSvids().validate(one.token(), "shipping"))
          .isInstanceOf(JwtSvidRejectedException.class);
      assertThatThrownBy(() -> orders.jwtSvids().fetch(SHOP.id("/other"), List.of("payment")))
          .isInstanceOf(MeshRuntimeException.class);
    }
  }

  private RealSpire spire() {
    RealSpire spire = running;
    if (spire == null) {
      throw new IllegalStateException("it runs in each test");
    }
    return spire;
  }

  private String entryOf(SpiffeId id) {
    Matcher found = ENTRY_ID.matcher(spire().admin("entry", "show", "-spiffeID", id.toString()));
    assertThat(found.find()).isTrue();
    return found.group(1);
  }

  private MeshRuntime start(@Nullable SpiffeId id, @Nullable String hint) {
    try {
      Path policy = directory.resolve("policy.json");
      Files.writeString(policy, Shop.ALLOW_FRONTEND);
      MeshRuntimeBuilder builder =
          MeshRuntime.builder()
              .workloadApi(spire().address())
              .policy(policy)
              .withoutEvents()
              .withoutQuarantine();
      if (id != null) {
        builder.spiffeId(id);
      }
      if (hint != null) {
        builder.hint(hint);
      }
      return builder.start();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void await(String what, Duration deadline, BooleanSupplier condition) {
    Eventually.await(() -> what, deadline, condition);
  }

  /** Calls one after another until it is stopped; the first failure ends it. */
  private static final class Calls {
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final AtomicInteger made = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Thread thread;

    Calls(ManagedChannel channel) {
      thread = Thread.ofPlatform().daemon().start(() -> callOn(channel));
    }

    private void callOn(ManagedChannel channel) {
      try {
        while (!stopped.get()) {
          Echo.call(channel, "hello");
          made.incrementAndGet();
          TimeUnit.MILLISECONDS.sleep(20);
        }
      } catch (StatusRuntimeException | InterruptedException e) {
        failure.set(e);
      }
    }

    int made() {
      return made.get();
    }

    @Nullable Throwable failure() {
      return failure.get();
    }

    void stop() throws InterruptedException {
      stopped.set(true);
      thread.join(Duration.ofSeconds(20));
    }
  }
}
