package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.RealSpire;
import io.meshward.testkit.WorkloadEntry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Two workloads over a SPIRE of their own: rotations, a restart of the agent, the end of an entry.
 * It waits for minutes, so that others should be tested meanwhile.
 */
final class RotationOverSpire implements Callable<Void> {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final SpiffeId ORDERS = SHOP.id(Shop.ORDERS_PATH);
  private static final SpiffeId FRONTEND = SHOP.id(Shop.FRONTEND_PATH);
  private static final Duration TIME_TO_LIVE = Duration.ofMinutes(1);

  private final Path binaries;
  private final Path policy;

  /**
   * @param binaries the folder of SPIRE's programs
   * @param policy lets the frontend call
   */
  RotationOverSpire(Path binaries, Path policy) {
    this.binaries = binaries;
    this.policy = policy;
  }

  @Override
  public @Nullable Void call() throws Exception {
    try (RealSpire spire = RealSpire.start(binaries, SHOP)) {
      spire.register(WorkloadEntry.of(ORDERS).timeToLive(TIME_TO_LIVE).hint("server"));
      spire.register(WorkloadEntry.of(FRONTEND).timeToLive(TIME_TO_LIVE).hint("client"));
      try (MeshRuntime orders = builder(spire).spiffeId(ORDERS).start();
          MeshRuntime frontend = builder(spire).hint("client").start()) {
        assertThat(frontend.svid().id()).isEqualTo(FRONTEND);
        run(spire, orders, frontend);
      }
    }
    return null;
  }

  private static void run(RealSpire spire, MeshRuntime orders, MeshRuntime frontend)
      throws Exception {
    Server server =
        orders
            .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(Echo.service())
            .build()
            .start();
    ManagedChannel channel = frontend.channelBuilder(Shop.target(server), ORDERS).build();
    try {
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
      } finally {
        calls.stop();
      }
      assertThat(calls.failure()).isNull();
      assertThat(calls.made()).isGreaterThan(100);

      Chat open = Chat.open(channel);
      assertThat(open.say("hello")).contains("hello");
      spire.deregister(ORDERS);
      await(
          "the withdrawal",
          Duration.ofSeconds(60),
          () -> orders.status().identity() instanceof RuntimeState.Withdrawn);
      assertThat(open.end()).isNotEqualTo(io.grpc.Status.Code.OK);
      assertThatThrownBy(() -> Echo.call(channel, "anyone there"))
          .isInstanceOf(StatusRuntimeException.class);
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  private MeshRuntimeBuilder builder(RealSpire spire) {
    return MeshRuntime.builder()
        .workloadApi(spire.address())
        .policy(policy)
        .withoutEvents()
        .withoutQuarantine();
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
