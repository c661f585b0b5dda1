package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.grpc.ManagedChannel;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What is not reported on purpose: how little that is, and that it is counted. */
class LeftOutEventsTest {
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
      Eventually.await(
          () -> "22 allows are reported as left out",
          Duration.ofSeconds(10),
          () -> leftOut(shop) == 22);
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

  private static long decisions(Shop shop, String method) {
    return shop.serverEvents.of(AuthzDecision.class).stream()
        .filter(event -> event.rpc().method().equals(method))
        .count();
  }

  private static long leftOut(Shop shop) {
    return shop.serverEvents.of(SvidLifecycle.class).stream()
        .filter(event -> event.svid().change() == Change.EVENTS_LEFT_OUT)
        .filter(event -> "allow".equals(event.svid().droppedClass()))
        .mapToLong(event -> event.svid().dropped() == null ? 0 : event.svid().dropped())
        .sum();
  }
}
