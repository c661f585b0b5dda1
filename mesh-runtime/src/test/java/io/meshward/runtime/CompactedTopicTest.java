package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

class CompactedTopicTest {

  @Test
  void whatItsReaderFailsToTakeOverIsReadAgainAndIsNotUpToDateUntilThen() {
    try (EmbeddedKafka kafka = EmbeddedKafka.start();
        MeshTopics topics = new MeshTopics(kafka);
        CompactedTopic topic =
            new CompactedTopic(
                TopicCatalogue.QUARANTINE.name(MeshTopics.PREFIX),
                topics.clientProperties(),
                Duration.ofHours(1))) {
      MeshTopics.createAll(kafka);
      topics.write(TopicCatalogue.QUARANTINE, "one", "1".getBytes(UTF_8));
      FragileReader reader = new FragileReader();

      topic.watch(reader);

      Eventually.await("a second try", () -> reader.failures.get() >= 2);
      assertThat(topic.ageMs()).isEqualTo(-1);
      reader.fails = false;
      Eventually.await("what was read", () -> reader.taken.equals(List.of("one")));
      assertThat(topic.ageMs()).isNotNegative();

      reader.fails = true;
      topics.write(TopicCatalogue.QUARANTINE, "two", "2".getBytes(UTF_8));
      Eventually.await("the age of what was not taken over", () -> topic.ageMs() > 1_000);
      assertThat(reader.taken).containsExactly("one");
      reader.fails = false;
      Eventually.await("what was read", () -> reader.taken.equals(List.of("one", "two")));
      Eventually.await("contact", () -> topic.ageMs() < 1_000);
    }
  }

  /** Throws what nobody foresees while it is told to. */
  private static final class FragileReader implements CompactedTopic.Reader {
    final AtomicInteger failures = new AtomicInteger();
    volatile boolean fails = true;
    volatile List<String> taken = List.of();
    private final List<String> next = new ArrayList<>();

    @Override
    public void begin() {
      next.clear();
    }

    @Override
    public void take(ConsumerRecord<byte[], byte[]> record) {
      next.add(new String(record.key(), UTF_8));
    }

    @Override
    public void upToDate() {
      if (fails) {
        failures.incrementAndGet();
        throw new ArithmeticException("long overflow");
      }
      taken = List.copyOf(next);
    }
  }
}
