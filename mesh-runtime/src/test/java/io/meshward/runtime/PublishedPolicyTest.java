package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.PolicyBundle;
import io.meshward.schemas.Risk;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A server whose policy and whose callers' risk come over Kafka. */
class PublishedPolicyTest {
  private final Broker kafka = Brokers.start();
  private final Shop shop = new Shop();
  private final MeshTopics topics;

  PublishedPolicyTest() {
    MeshTopics.createAll(kafka);
    MeshTopics.create(kafka, TopicCatalogue.RISK, TopicCatalogue.POLICIES);
    topics = new MeshTopics(kafka);
  }

  @AfterEach
  void close() {
    shop.close();
    topics.close();
    kafka.close();
  }

  @Test
  void followsThePolicyAndTheRiskOnTheirTopics() {
    publish(policy("first"));
    ManagedChannel channel =
        shop.dial(shop.frontendRuntime(), shop.serve(orders(topics.clientProperties())));
    assertThat(isServed(channel)).as("while the risk is unknown").isFalse();

    risk(0.1);
    await("calls at low risk", () -> isServed(channel));
    risk(0.5);
    await("no calls at high risk", () -> !isServed(channel));
    risk(0.2);
    await("calls at low risk again", () -> isServed(channel));

    publish("{\"name\": \"broken\"}");
    SvidLifecycle rejected =
        shop.serverEvents.await(
            SvidLifecycle.class, event -> event.svid().change() == Change.POLICY_REJECTED);
    assertThat(rejected.svid().policy()).startsWith("first@");
    assertThat(isServed(channel)).isTrue();

    topics.write(TopicCatalogue.POLICIES, "orders", null);
    await("no calls without a policy", () -> !isServed(channel));
    publish(policy("second"));
    await("calls under the second policy", () -> isServed(channel));
  }

  @Test
  void doesNotStartWithoutItsBundleOrWithABadOne() {
    assertThatThrownBy(() -> orders(topics.clientProperties()))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("test.policies, bundle 'orders'")
        .hasMessageContaining("publish it first");

    publish("{\"name\": \"broken\"}");
    assertThatThrownBy(() -> orders(topics.clientProperties()))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("allow_rules is missing");
  }

  @Test
  void refusesEveryCallWhileThePolicyCannotBeRead() {
    MeshRuntime orders =
        shop.closing(
            MeshRuntime.builder()
                .workloadApi(shop.mesh.addressFor(shop.orders))
                .kafka(Map.of("bootstrap.servers", "127.0.0.1:1"), MeshTopics.PREFIX)
                .events(shop.serverEvents)
                .quarantine(shop.serverHolds)
                .policyBundle("orders")
                .quarantineDeadline(Duration.ofMillis(500))
                .start());

    assertThat(isServed(shop.dial(shop.frontendRuntime(), shop.serve(orders)))).isFalse();
    assertThat(orders.status().policyAgeMs()).isEqualTo(-1);
    assertThat(orders.status().policy()).startsWith("none@");
  }

  private MeshRuntime orders(Map<String, Object> kafkaClient) {
    return shop.closing(
        MeshRuntime.builder()
            .workloadApi(shop.mesh.addressFor(shop.orders))
            .kafka(kafkaClient, MeshTopics.PREFIX)
            .events(shop.serverEvents)
            .quarantine(shop.serverHolds)
            .policyBundle("orders")
            .quarantineDeadline(Duration.ofSeconds(60))
            .start());
  }

  private static String policy(String name) {
    return """
    name: %s
    allow_rules:
      - name: calm callers
        when: [{key: risk.score, lt: 0.3}]
    """
        .formatted(name);
  }

  private void publish(String document) {
    topics.write(
        TopicCatalogue.POLICIES,
        "orders",
        EventCodec.encode(
            new PolicyBundle(
                new PolicyBundle.Policy("orders", document, null, "alice", Instant.now()))));
  }

  private void risk(double score) {
    Instant now = Instant.now();
    topics.write(
        TopicCatalogue.RISK,
        shop.frontend.toString(),
        EventCodec.encode(
            new Risk(
                new Risk.Score(shop.frontend, score, List.of("test"), now, now.plusSeconds(600)))));
  }

  private static boolean isServed(ManagedChannel channel) {
    try {
      return Echo.call(channel, "hello").contains("frontend");
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private static void await(String what, BooleanSupplier condition) {
    Eventually.await(() -> what, Duration.ofSeconds(60), condition);
  }
}
