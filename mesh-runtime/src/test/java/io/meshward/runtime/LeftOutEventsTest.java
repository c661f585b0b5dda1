package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What is not reported on purpose: how little that is, and that it is counted. */
class LeftOutEventsTest {
  /** So many that a slow machine does not see them at a rate at which all are reported. */
  private static final int FLOOD = 1_000;

  private static final SpiffeId A = SpiffeId.parse("spiffe://shop.test/a");
  private static final SpiffeId B = SpiffeId.parse("spiffe://shop.test/b");

  @Test
  void onlyPlainAllowsAreSampledAndTheFirstOfAnEdgeNever() throws IOException {
    try (Shop shop = new Shop()) {
      ManagedChannel channel =
          shop.dial(
              shop.frontendRuntime(),
              shop.serve(shop.ordersRuntime(orders -> orders.sampleAllows(10))));
      for (int i = 0; i < 25; i++) {
        assertThat(Echo.call(channel, "hello")).contains("frontend");
      }
      assertThat(catchThrowable(() -> Echo.call(channel, Echo.OTHER_SERVICE, "hello"))).isNotNull();
      assertThat(catchThrowable(() -> Echo.call(channel, Echo.OTHER_SERVICE, "hello"))).isNotNull();
      for (int i = 0; i < 3; i++) {
        assertThat(catchThrowable(() -> Echo.call(channel, Echo.MISSING, "hello"))).isNotNull();
      }

      assertThat(decisions(shop, "/meshward.test.Echo/Who")).isEqualTo(3);
      assertThat(decisions(shop, "/meshward.test.Other/Who")).isEqualTo(2);
      assertThat(decisions(shop, "/meshward.test.Echo/Missing"))
          .as("what does not exist is no plain call")
          .isEqualTo(3);
      Eventually.await("22 allows are reported as left out", () -> leftOut(shop, "allow") == 22);
    }
  }

  @Test
  void whatThePolicyOnTrialWouldRefuseIsReported() throws IOException {
    try (Shop shop = new Shop()) {
      var trial = Files.createTempFile("trial", ".json");
      Files.writeString(
          trial,
          "{\"name\": \"trial\", \"allow_rules\": [{\"name\": \"x\", \"source\": {\"principals\":"
              + " [\"spiffe://shop.test/x\"]}}]}",
          UTF_8);
      ManagedChannel channel =
          shop.dial(
              shop.frontendRuntime(),
              shop.serve(
                  shop.ordersRuntime(orders -> orders.sampleAllows(100).shadowPolicy(trial))));
      for (int i = 0; i < 5; i++) {
        assertThat(Echo.call(channel, "hello")).contains("frontend");
      }

      assertThat(decisions(shop, "/meshward.test.Echo/Who")).isEqualTo(5);
      Files.delete(trial);
    }
  }

  @Test
  void eachEdgeIsSampledByItself() {
    AllowSampler sampler = new AllowSampler(3);

    assertThat(sampler.lets(A, "m")).isTrue();
    assertThat(sampler.lets(A, "m")).isFalse();
    assertThat(sampler.lets(B, "m")).isTrue();
    assertThat(sampler.lets(A, "n")).isTrue();
    assertThat(sampler.lets(A, "m")).isFalse();
    assertThat(sampler.lets(A, "m")).isTrue();
    assertThat(sampler.leftOut()).isEqualTo(2);
    assertThatThrownBy(() -> MeshRuntime.builder().sampleAllows(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one in 0");
  }

  @Test
  void anAddressThatFloodsHidesNeitherOthersNorWhoGotIn() {
    AtomicLong time = new AtomicLong();
    HandshakeLimit limit = new HandshakeLimit(time::get);
    for (int i = 0; i < HandshakeLimit.BURST; i++) {
      assertThat(limit.lets("10.0.0.1", false)).isTrue();
    }

    assertThat(limit.lets("10.0.0.1", false)).isFalse();
    assertThat(limit.lets("10.0.0.1", false)).isFalse();
    assertThat(limit.leftOut()).isEqualTo(2);
    assertThat(limit.lets("10.0.0.1", true)).isTrue();
    assertThat(limit.lets("10.0.0.2", false)).isTrue();
    time.addAndGet(Duration.ofSeconds(1).toNanos());
    for (int i = 0; i < 32; i++) {
      assertThat(limit.lets("10.0.0.1", false)).isTrue();
    }
    assertThat(limit.lets("10.0.0.1", false)).isFalse();
  }

  @Test
  void aFloodOfHandshakesIsReportedUpToALimitAndTheRestByNumber() throws IOException {
    try (Shop shop = new Shop()) {
      Server server = shop.serve(shop.ordersRuntime());
      for (int i = 0; i < FLOOD; i++) {
        new Socket(InetAddress.getLoopbackAddress(), server.getPort()).close();
      }
      Eventually.await(
          () -> failures(shop, "127.0.0.1") + " of the flood are reported",
          Duration.ofMinutes(1),
          () -> failures(shop, "127.0.0.1") + leftOut(shop, "handshake") == FLOOD);
      assertThat(leftOut(shop, "handshake")).isPositive();
      assertThat(failures(shop, "127.0.0.1")).isGreaterThanOrEqualTo(HandshakeLimit.BURST);

      InetAddress elsewhere = InetAddress.getByAddress(new byte[] {127, 0, 0, 2});
      new Socket(InetAddress.getLoopbackAddress(), server.getPort(), elsewhere, 0).close();
      assertThat(Echo.call(shop.dial(shop.frontendRuntime(), server), "hello"))
          .contains("frontend");

      shop.serverEvents.await(
          TlsHandshake.class,
          event -> event.tls().result() == Result.SUCCESS && "127.0.0.1".equals(event.peer().ip()));
      Eventually.await("who came once", () -> failures(shop, "127.0.0.2") == 1);
    }
  }

  private static long failures(Shop shop, String ip) {
    return shop.serverEvents.of(TlsHandshake.class).stream()
        .filter(event -> event.tls().result() != Result.SUCCESS)
        .filter(event -> ip.equals(event.peer().ip()))
        .count();
  }

  private static long decisions(Shop shop, String method) {
    return shop.serverEvents.of(AuthzDecision.class).stream()
        .filter(event -> requireNonNull(event.rpc()).method().equals(method))
        .count();
  }

  private static long leftOut(Shop shop, String eventClass) {
    return shop.serverEvents.of(SvidLifecycle.class).stream()
        .filter(event -> event.svid().change() == Change.EVENTS_LEFT_OUT)
        .filter(event -> eventClass.equals(event.svid().droppedClass()))
        .mapToLong(event -> event.svid().dropped() == null ? 0 : event.svid().dropped())
        .sum();
  }
}
