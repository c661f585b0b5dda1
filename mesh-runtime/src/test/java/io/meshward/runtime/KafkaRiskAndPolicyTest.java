package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.PolicyBundle;
import io.meshward.schemas.Risk;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class KafkaRiskAndPolicyTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId PAYMENT = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/payment");
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);

  private final RecordingSink events = new RecordingSink();
  private final EventReporter reporter =
      new EventReporter(events, CLOCK, () -> ORDERS, null, null, "instance");

  private static Broker broker;
  private static MeshTopics topics;

  @BeforeAll
  static void start() {
    broker = Brokers.start();
    MeshTopics.create(broker, TopicCatalogue.RISK, TopicCatalogue.POLICIES);
    topics = new MeshTopics(broker);
  }

  @AfterAll
  static void stop() {
    topics.close();
    broker.close();
  }

  @Test
  void aScoreHoldsUntilItIsOverAndFollowsTheTopic() {
    risk(ORDERS, 0.2, NOW.plusSeconds(60));
    risk(PAYMENT, 0.4, NOW);
    topics.write(TopicCatalogue.RISK, "not an id", "{}".getBytes(UTF_8));
    try (KafkaRiskSource source =
        new KafkaRiskSource(topics.clientProperties(), MeshTopics.PREFIX, reporter, CLOCK)) {
      assertThat(source.score(ORDERS)).as("before it was started").isNaN();
      source.start();
      source.start();
      await("the first score", () -> source.score(ORDERS) == 0.2);
      assertThat(source.ageMs()).isNotNegative();
      assertThat(source.score(PAYMENT)).as("its end has come").isNaN();

      risk(ORDERS, 0.9, NOW.plusSeconds(60));
      await("a higher score", () -> source.score(ORDERS) == 0.9);
      topics.write(TopicCatalogue.RISK, ORDERS.toString(), "{\"risk\": 1}".getBytes(UTF_8));
      await("no score from what cannot be read", () -> isUnknown(source, ORDERS));
      risk(ORDERS, 0.3, NOW.plusSeconds(60));
      await("a score again", () -> source.score(ORDERS) == 0.3);
      topics.write(TopicCatalogue.RISK, ORDERS.toString(), null);
      await("no score after a tombstone", () -> isUnknown(source, ORDERS));
      assertThat(parked("malformed_key").payload().bytes()).isEqualTo("{}".getBytes(UTF_8));
      assertThat(parked("malformed_event").letter().detail()).contains("Risk");
    }
  }

  @Test
  void aScoreIsUnknownOnceKafkaWasNotHeardOfForLong() {
    SpiffeId id = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/stale");
    risk(id, 0.2, NOW.plusSeconds(60));
    KafkaRiskSource source =
        new KafkaRiskSource(
            topics.clientProperties(), MeshTopics.PREFIX, reporter, CLOCK, Duration.ofSeconds(3));
    try {
      source.start();
      await("the score", () -> source.score(id) == 0.2);
    } finally {
      source.close();
    }
    // Closed, it hears no more of Kafka than if it had lost it.
    await("the score to be stale", () -> isUnknown(source, id));
  }

  @Test
  void thePolicyFollowsItsBundleAndNoOther() throws InterruptedException {
    policy("other", "{}", null);
    policy("orders", "first", null);
    Heard heard = new Heard();
    try (KafkaPolicySource source =
        new KafkaPolicySource(topics.clientProperties(), MeshTopics.PREFIX, reporter, "orders")) {
      source.watch(heard);
      assertThat(source.awaitRead(Duration.ofSeconds(30))).isTrue();
      assertThat(heard.words()).last().isEqualTo("first null");

      policy("orders", "second", "trial");
      await("the second policy", () -> heard.words().contains("second trial"));
      topics.write(TopicCatalogue.POLICIES, "orders", "{".getBytes(UTF_8));
      await(
          "a complaint",
          () -> heard.words().stream().anyMatch(words -> words.contains("cannot be read")));
      assertThat(heard.words()).last().asString().contains("topic test.policies, bundle 'orders'");
      topics.write(TopicCatalogue.POLICIES, "orders", null);
      await("no policy", () -> heard.words().contains("none"));
      assertThat(parked("malformed_event").origin().topic()).isEqualTo("test.policies");
    }
  }

  private DeadLetter parked(String cause) {
    return events.await(DeadLetter.class, letter -> letter.letter().cause().equals(cause));
  }

  private static void await(String what, BooleanSupplier condition) {
    Eventually.await(() -> what, Duration.ofSeconds(60), condition);
  }

  private static boolean isUnknown(RiskSource source, SpiffeId id) {
    return Double.isNaN(source.score(id));
  }

  private static void risk(SpiffeId id, double score, Instant validUntil) {
    topics.write(
        TopicCatalogue.RISK,
        id.toString(),
        EventCodec.encode(
            new Risk(
                new Risk.Score(id, score, List.of("test"), NOW.minusSeconds(60), validUntil))));
  }

  private static void policy(String bundle, String document, @Nullable String shadow) {
    topics.write(
        TopicCatalogue.POLICIES,
        bundle,
        EventCodec.encode(
            new PolicyBundle(new PolicyBundle.Policy(bundle, document, shadow, "alice", NOW))));
  }

  /** What a listener was told. */
  private static final class Heard implements PolicySource.Listener {
    private final Queue<String> words = new ConcurrentLinkedQueue<>();

    List<String> words() {
      return List.copyOf(words);
    }

    @Override
    public void policy(Optional<PolicySource.Documents> documents) {
      words.add(documents.map(texts -> texts.enforced() + " " + texts.shadow()).orElse("none"));
    }

    @Override
    public void unreadable(String problem) {
      words.add(problem);
    }
  }
}
