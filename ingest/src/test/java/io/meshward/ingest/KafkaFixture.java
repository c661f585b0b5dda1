package io.meshward.ingest;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Ingest's topics under a prefix of their own, and what is on them. */
final class KafkaFixture {
  static final Duration TIMEOUT = Duration.ofSeconds(30);

  final KafkaConfig config;

  KafkaFixture(String bootstrapServers, String prefix) {
    config = new KafkaConfig(bootstrapServers, prefix, Map.of());
  }

  KafkaFixture createTopics() throws Exception {
    try (Admin admin = Admin.create(config.admin("test"))) {
      admin
          .createTopics(
              Stream.of(TopicCatalogue.EVENTS_FALCO, TopicCatalogue.DEADLETTER)
                  .map(
                      t ->
                          new NewTopic(config.topic(t), t.partitions(), (short) 1)
                              .configs(
                                  Map.of("max.message.bytes", String.valueOf(t.maxMessageBytes()))))
                  .toList())
          .all()
          .get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }
    return this;
  }

  List<Envelope<FalcoAlert>> alerts() {
    return events(TopicCatalogue.EVENTS_FALCO, FalcoAlert.class);
  }

  /** Waits for that many; dead letters are written behind the answer. */
  List<Envelope<DeadLetter>> deadLetters(int count) throws Exception {
    long end = System.nanoTime() + TIMEOUT.toNanos();
    while (true) {
      List<Envelope<DeadLetter>> letters = events(TopicCatalogue.DEADLETTER, DeadLetter.class);
      if (letters.size() >= count) {
        return letters;
      }
      if (System.nanoTime() - end > 0) {
        throw new AssertionError(count + " dead letters expected, read " + letters);
      }
    }
  }

  private <E extends Event> List<Envelope<E>> events(Topic topic, Class<E> type) {
    return records(topic).stream().map(record -> CloudEvents.fromRecord(record, type)).toList();
  }

  /** All that is on a topic now. */
  List<ConsumerRecord<byte[], byte[]>> records(Topic topic) {
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config.reader("test"))) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(config.topic(topic), TIMEOUT).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, TIMEOUT);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      while (partitions.stream()
          .anyMatch(p -> consumer.position(p, TIMEOUT) < ends.getOrDefault(p, 0L))) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      return records;
    }
  }
}
