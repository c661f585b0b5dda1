package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.embedded.Broker;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** The topics of one prefix on a broker, for tests: created, written and read. */
final class MeshTopics implements AutoCloseable {
  static final String PREFIX = "test";
  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  private final Map<String, Object> common;
  private final KafkaProducer<byte[], byte[]> producer;

  /** Writes as the responder does: each record in a transaction of its own. */
  MeshTopics(Broker broker) {
    common = Map.of("bootstrap.servers", broker.bootstrapServers());
    producer = producer("responder");
    producer.initTransactions();
  }

  KafkaProducer<byte[], byte[]> producer(String transactionalId) {
    Map<String, Object> settings = new HashMap<>(common);
    settings.put("transactional.id", transactionalId);
    settings.put("reconnect.backoff.max.ms", 100);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  Map<String, Object> clientProperties() {
    return common;
  }

  static void create(Broker broker, Topic... topics) {
    for (Topic topic : topics) {
      create(broker, topic, topic.partitions());
    }
  }

  static void create(Broker broker, Topic topic, int partitions) {
    try (Admin admin =
        Admin.create(Map.<String, Object>of("bootstrap.servers", broker.bootstrapServers()))) {
      create(admin, topic, partitions);
    }
  }

  private static void create(Admin admin, Topic topic, int partitions) {
    NewTopic created =
        new NewTopic(topic.name(PREFIX), partitions, (short) 1)
            .configs(Map.of("cleanup.policy", topic.compacted() ? "compact" : "delete"));
    try {
      admin.createTopics(List.of(created)).all().get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static void createAll(Broker broker) {
    try (Admin admin =
        Admin.create(Map.<String, Object>of("bootstrap.servers", broker.bootstrapServers()))) {
      createAll(admin);
    }
  }

  static void createAll(Admin admin) {
    for (Topic topic :
        List.of(
            TopicCatalogue.EVENTS_IDENTITY,
            TopicCatalogue.QUARANTINE,
            TopicCatalogue.ENFORCEMENT,
            TopicCatalogue.DEADLETTER)) {
      create(admin, topic, topic.partitions());
    }
  }

  /** Writes a committed record. */
  void write(Topic topic, @Nullable String key, byte @Nullable [] value) {
    producer.beginTransaction();
    var unused = producer.send(record(topic, key, value));
    producer.commitTransaction();
  }

  static ProducerRecord<byte[], byte[]> record(
      Topic topic, @Nullable String key, byte @Nullable [] value) {
    return new ProducerRecord<>(
        topic.name(PREFIX), key == null ? null : key.getBytes(UTF_8), value);
  }

  /** Reads a topic from its start until a record is found. */
  ConsumerRecord<byte[], byte[]> await(
      Topic topic, Predicate<ConsumerRecord<byte[], byte[]>> condition) {
    return await(topic, 1, condition).get(0);
  }

  /** Reads a topic from its start until that many records are found. */
  List<ConsumerRecord<byte[], byte[]>> await(
      Topic topic, int count, Predicate<ConsumerRecord<byte[], byte[]>> condition) {
    List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(common, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic.name(PREFIX), TIMEOUT).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long end = System.nanoTime() + TIMEOUT.toNanos();
      while (System.nanoTime() < end) {
        consumer
            .poll(Duration.ofMillis(50))
            .forEach(
                record -> {
                  if (condition.test(record)) {
                    found.add(record);
                  }
                });
        if (found.size() >= count) {
          return found;
        }
      }
    }
    throw new AssertionError(
        "found " + found.size() + " records on " + topic.name() + ", expected " + count);
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(1));
  }
}
