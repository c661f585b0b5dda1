package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.testkit.TestMesh;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.metrics.MeterProvider;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.context.propagation.ContextPropagators;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StartTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final @Nullable InetAddress LOOPBACK_6 =
      NetUtil.createInetAddressFromIpAddressString("::1");
  private final RecordingSink events = new RecordingSink();

  @Test
  void saysWhatToCheckWhenThereIsNoSocket(@TempDir Path directory) {
    Path socket = directory.resolve("agent.sock");

    assertThatThrownBy(() -> builder("unix:" + socket).start())
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("unix:" + socket)
        .hasMessageContaining("within 0.6 s")
        .hasMessageContaining("socket path is right")
        .hasMessageContaining("agent runs")
        .hasMessageContaining("registered");
  }

  @Test
  void saysWhatToCheckWhenTheWorkloadIsNotRegistered() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      mesh.workload(ORDERS).redact();

      assertThat(FailedStart.of(() -> builder(mesh.addressFor(ORDERS)), "PERMISSION_DENIED"))
          .hasMessageContaining("PERMISSION_DENIED")
          .hasMessageContaining("no identity issued");
      assertThat(events.of(SvidLifecycle.class))
          .isNotEmpty()
          .allSatisfy(event -> assertThat(event.svid().change()).isEqualTo(Change.FETCH_ERROR));
    }
  }

  @Test
  void saysWhichSvidsWereOfferedWhenTheWantedOneIsNotAmongThem() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      SpiffeId wanted = mesh.trustDomain().name().id("/ns/shop/sa/payment");

      assertThat(
              FailedStart.of(
                  () -> builder(mesh.addressFor(ORDERS)).spiffeId(wanted), ORDERS.toString()))
          .hasMessageContaining(wanted.toString())
          .hasMessageContaining(ORDERS.toString());
      assertThat(
              FailedStart.of(
                  () -> builder(mesh.addressFor(ORDERS)).hint("internal"), "hint internal"))
          .hasMessageContaining("hint internal");
    }
  }

  @Test
  void givesUpAtOnceWhenTheAgentSaysThatTheRequestIsWrong() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      mesh.workload(ORDERS).failWith(Status.UNIMPLEMENTED);

      Duration deadline = Duration.ofMinutes(2);
      long begin = System.nanoTime();
      assertThatThrownBy(() -> builder(mesh.addressFor(ORDERS)).startDeadline(deadline).start())
          .hasMessageContaining("UNIMPLEMENTED");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(deadline);
    }
  }

  @Test
  void theWorkloadApiIsSpokenOverTcpToo() throws IOException {
    try (TestMesh mesh = TestMesh.start("shop.test");
        TcpToUnix agent = TcpToUnix.to(mesh.workload(ORDERS).socket());
        MeshRuntime runtime =
            builder("tcp://127.0.0.1:" + agent.port())
                .startDeadline(Duration.ofSeconds(30))
                .start()) {
      assertThat(runtime.svid().id()).isEqualTo(ORDERS);
      JwtSvid token = runtime.jwtSvids().fetch(List.of("payment")).get(0);
      assertThat(runtime.jwtSvids().validate(token.token(), "payment").id()).isEqualTo(ORDERS);

      X509Svid before = runtime.svid();
      mesh.workload(ORDERS).rotate();
      Eventually.await("a rotation", () -> !runtime.svid().leaf().equals(before.leaf()));
    }
  }

  @Test
  void waitsForAnAgentThatComesInTime() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      mesh.workload(ORDERS).stop();
      Thread.ofVirtual()
          .start(
              () -> {
                Eventually.await("a first try", () -> !events.of(SvidLifecycle.class).isEmpty());
                mesh.workload(ORDERS).restart();
              });

      try (MeshRuntime runtime =
          builder(mesh.addressFor(ORDERS)).startDeadline(Duration.ofMinutes(1)).start()) {
        assertThat(runtime.svid().id()).isEqualTo(ORDERS);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unix:relative",
        "unix://host/path",
        "unix:",
        "unix:/",
        "/path",
        "tcp://localhost:5",
        "tcp://1.2.3.4",
        "tcp://1.2.3.4:5/path",
        "tcp://1.2.3.4:5/",
        "tcp://user@1.2.3.4:5",
        "http://1.2.3.4:5",
        "unix:/a?b",
        "unix:/a#b"
      })
  void refusesAnAddressThatIsNoUnixSocketAndNoPort(String address) {
    assertThatThrownBy(() -> builder(address).start())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(address)
        .hasMessageContaining("unix:/absolute/path");
  }

  @Test
  void takesTheAddressFromTheEnvironmentUnlessToldOtherwise() {
    Map<String, String> environment = Map.of("SPIFFE_ENDPOINT_SOCKET", "unix:///run/agent.sock");

    assertThat(WorkloadApiEndpoint.parse(null, environment))
        .isEqualTo(new WorkloadApiEndpoint.UnixSocket(Path.of("/run/agent.sock")));
    assertThat(WorkloadApiEndpoint.parse("UNIX:/other.sock", environment))
        .isEqualTo(WorkloadApiEndpoint.parse("unix:///other.sock", environment))
        .isEqualTo(new WorkloadApiEndpoint.UnixSocket(Path.of("/other.sock")));
    assertThat(WorkloadApiEndpoint.parse("tcp://[::1]:8081", Map.of()))
        .isEqualTo(new WorkloadApiEndpoint.Tcp(new InetSocketAddress(LOOPBACK_6, 8081)))
        .hasToString("tcp://[::1]:8081");
    assertThatThrownBy(() -> WorkloadApiEndpoint.parse(null, Map.of()))
        .hasMessageContaining("SPIFFE_ENDPOINT_SOCKET");
  }

  @Test
  void needsToBeToldWhereEventsGoAndHoldsComeFrom() {
    assertThatThrownBy(
            () -> MeshRuntime.builder().workloadApi("unix:/a").withoutQuarantine().start())
        .hasMessageContaining("where events go");
    assertThatThrownBy(() -> MeshRuntime.builder().workloadApi("unix:/a").withoutEvents().start())
        .hasMessageContaining("where holds come from");
  }

  @Test
  void aStartThatFailsHalfWayClosesWhatItWasGiven() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      Faulty given = new Faulty();
      MeshRuntimeBuilder wrong =
          MeshRuntime.builder()
              .workloadApi(mesh.addressFor(ORDERS))
              .events(given)
              .quarantine(given.holds)
              // Only BoringSSL can serve what is to be stapled.
              .tlsProvider(SslProvider.JDK)
              .revocation(
                  RevocationOptions.DEFAULT.staple(
                      "127.0.0.1:1", mesh.trustDomain().name().id("/ns/mesh/sa/status")));

      assertThatThrownBy(wrong::start).isInstanceOf(RuntimeException.class);

      assertThat(given.closed).hasValue(1);
      assertThat(given.holds.closed).hasValue(1);
    }
  }

  @Test
  void closesTwiceAndFreesItsThreads() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      MeshRuntime runtime =
          builder(mesh.addressFor(ORDERS)).startDeadline(Duration.ofMinutes(1)).start();
      runtime.close();
      runtime.close();

      Eventually.await("the end of all threads", StartTest::noThreadIsLeft);
    }
  }

  @Test
  void aStartThatFailsLateLeavesNothingOpen() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      Faulty given = new Faulty();

      assertThatThrownBy(
              () ->
                  MeshRuntime.builder()
                      .workloadApi(mesh.addressFor(ORDERS))
                      .events(given)
                      .quarantine(given.holds)
                      .openTelemetry(new NoTelemetry())
                      .start())
          .hasMessage("no telemetry here");

      assertThat(given.closed).hasValue(1);
      assertThat(given.holds.closed).hasValue(1);
      Eventually.await("the end of all threads", StartTest::noThreadIsLeft);
    }
  }

  @Test
  void settingsThatAreWrongAreSaidBeforeAnythingIsOpenedAndWhatWasGivenIsClosed() {
    Faulty given = new Faulty();
    // There is no agent: what is opened first would be said first, after a while.
    assertThatThrownBy(
            () ->
                MeshRuntime.builder()
                    .workloadApi("unix:/nowhere/agent.sock")
                    .events(given)
                    .quarantine(given.holds)
                    .trustedProxies("spiffe://shop.test/*/proxy")
                    .openTelemetry(new NoTelemetry())
                    .start())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("spiffe://shop.test/*/proxy");

    assertThat(given.closed).hasValue(1);
    assertThat(given.holds.closed).hasValue(1);
  }

  @Test
  void closesAllThoughOnePartFails() {
    try (TestMesh mesh = TestMesh.start("shop.test")) {
      Faulty given = new Faulty();
      MeshRuntime runtime =
          MeshRuntime.builder()
              .workloadApi(mesh.addressFor(ORDERS))
              .events(given)
              .quarantine(given.holds)
              .start();

      runtime.close();

      assertThat(given.closed).hasValue(1);
      assertThat(given.holds.closed).hasValue(1);
      Eventually.await("the end of all threads", StartTest::noThreadIsLeft);
    }
  }

  private static boolean noThreadIsLeft() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("meshward-"))
        .noneMatch(
            name ->
                name.contains("workload-api-")
                    || name.contains("looks")
                    || name.contains("timer")
                    || name.contains("-io-"));
  }

  /** A sink and a source that fail when they are closed. */
  private static final class Faulty implements EventSink {
    final AtomicInteger closed = new AtomicInteger();
    final Holds holds = new Holds();

    @Override
    public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
      return true;
    }

    @Override
    public long dropped(EventClass eventClass) {
      return 0;
    }

    @Override
    public void close() {
      closed.incrementAndGet();
      throw new IllegalStateException("the sink cannot be closed");
    }

    static final class Holds implements QuarantineSource {
      final AtomicInteger closed = new AtomicInteger();

      @Override
      public void watch(Listener listener) {
        listener.holds(List.of());
      }

      @Override
      public long ageMs() {
        return 0;
      }

      @Override
      public void close() {
        closed.incrementAndGet();
        throw new IllegalStateException("the source cannot be closed");
      }
    }
  }

  private static final class NoTelemetry implements OpenTelemetry {
    @Override
    public TracerProvider getTracerProvider() {
      throw new IllegalStateException("no telemetry here");
    }

    @Override
    public MeterProvider getMeterProvider() {
      throw new IllegalStateException("no telemetry here");
    }

    @Override
    public ContextPropagators getPropagators() {
      throw new IllegalStateException("no telemetry here");
    }
  }

  private MeshRuntimeBuilder builder(String address) {
    return MeshRuntime.builder()
        .workloadApi(address)
        .startDeadline(Duration.ofMillis(600))
        .events(events)
        .withoutQuarantine();
  }
}
