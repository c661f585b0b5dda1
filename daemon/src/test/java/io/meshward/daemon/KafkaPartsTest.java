package io.meshward.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KafkaPartsTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final DeadLetter.Origin SENDER =
      new DeadLetter.Origin(null, null, null, "10.0.0.1");

  private final EmbeddedKafka broker = EmbeddedKafka.start();
  private final KafkaConfig kafka =
      new KafkaConfig(broker.bootstrapServers(), "meshward", Map.of());
  private final Metrics metrics = new Metrics();

  @AfterEach
  void close() {
    metrics.close();
    broker.close();
  }

  private DeadLetters deadLetters() {
    return DeadLetters.start(kafka, "ingest", "//shop/ingest", () -> NOW, metrics);
  }

  @Test
  void keepsLettersWithTheirCauseOriginAndBytes() throws Exception {
    KafkaFixture.create(kafka, TopicCatalogue.DEADLETTER);
    try (DeadLetters letters = deadLetters()) {
      letters.write(null, SENDER, "malformed_json", "not JSON", "{".getBytes(UTF_8));
      letters.write("a key", SENDER, "invalid", "no rule", new byte[100_000]);
      awaitKept(2);
    }
    List<ConsumerRecord<byte[], byte[]>> records =
        KafkaFixture.read(kafka, TopicCatalogue.DEADLETTER, 2);
    Envelope<DeadLetter> first = CloudEvents.fromRecord(records.get(0), DeadLetter.class);
    assertThat(first.source()).isEqualTo("//shop/ingest");
    assertThat(first.time()).isEqualTo(NOW);
    assertThat(first.data())
        .isEqualTo(
            new DeadLetter(
                new DeadLetter.Letter("ingest", "malformed_json", "not JSON", NOW),
                SENDER,
                DeadLetter.Payload.of("{".getBytes(UTF_8))));
    assertThat(new String(records.get(0).key(), UTF_8)).isEqualTo("10.0.0.1");
    assertThat(new String(records.get(1).key(), UTF_8)).isEqualTo("a key");
    DeadLetter second = CloudEvents.fromRecord(records.get(1), DeadLetter.class).data();
    assertThat(second.payload().bytes()).hasSize(DeadLetter.MAX_PAYLOAD_BYTES);
    assertThat(second.payload().size()).isEqualTo(100_000);
    assertThat(metrics.scrape())
        .contains("cause=\"invalid\",outcome=\"kept\",stage=\"ingest\"} 1.0");
  }

  @Test
  void tellsHowMuchWasOverQuota() throws Exception {
    KafkaFixture.create(kafka, TopicCatalogue.DEADLETTER);
    byte[] message = new byte[DeadLetter.MAX_PAYLOAD_BYTES];
    // By a clock that stands: in a third of a second the quota fills up for one letter more.
    try (DeadLetters letters =
        new DeadLetters(kafka, "ingest", "//shop/ingest", () -> NOW, () -> 0, metrics)) {
      for (int i = 0; i < 14; i++) {
        letters.write(null, SENDER, "invalid", "no rule", message);
      }
      awaitKept(11);
    }
    List<ConsumerRecord<byte[], byte[]>> records =
        KafkaFixture.read(kafka, TopicCatalogue.DEADLETTER, 12);
    DeadLetter last = CloudEvents.fromRecord(records.getLast(), DeadLetter.class).data();
    assertThat(last.letter().cause()).isEqualTo("over_quota");
    assertThat(last.letter().detail()).startsWith("3 letters of about ");
    assertThat(last.payload().bytes()).isEmpty();
    assertThat(metrics.scrape())
        .contains("cause=\"invalid\",outcome=\"over_quota\",stage=\"ingest\"} 3.0");
  }

  @Test
  void neitherThrowsNorBlocksWithoutABroker() {
    broker.stop();
    byte[] message = new byte[100];
    try (DeadLetters letters = deadLetters()) {
      long start = System.nanoTime();
      for (int i = 0; i < 1000; i++) {
        letters.write(null, SENDER, "invalid", "no rule", message);
      }
      // Were each of them to wait for a broker for a moment only, it would take much longer.
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
      assertThat(metrics.scrape()).contains("outcome=\"lost\"");
    }
  }

  @Test
  void isReadyWhileABrokerAnswersAndTheTopicsExist() throws Exception {
    Health health = new Health();
    try (KafkaCheck check =
        KafkaCheck.start(kafka, "test", List.of(TopicCatalogue.EVENTS_FALCO), health)) {
      assertThat(check).isNotNull();
      await(() -> health.problems().getOrDefault("kafka", "").contains("is missing"));
      KafkaFixture.create(kafka, TopicCatalogue.EVENTS_FALCO);
      await(health::isReady);
      broker.stop();
      await(() -> health.problems().getOrDefault("kafka", "").startsWith("no broker answers at"));
      broker.restart();
      await(health::isReady);
    }
  }

  /** Waits until the broker has that many letters: closing waits for it for a moment only. */
  private void awaitKept(int letters) throws Exception {
    await(
        () ->
            metrics
                    .scrape()
                    .lines()
                    .filter(line -> line.contains("outcome=\"kept\""))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                    .sum()
                >= letters);
  }

  private static void await(BooleanSupplier condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      Thread.sleep(10);
    }
  }
}
