package io.meshward.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** What stands on topics under a prefix, as a reader sees it who reads what is committed. */
final class Topics {
  private static final Duration POLL = Duration.ofMillis(100);

  private final KafkaConfig kafka;

  Topics(KafkaConfig kafka) {
    this.kafka = kafka;
  }

  /** All records of a topic up to its present end; those of a partition in their order. */
  List<ConsumerRecord<byte[], byte[]>> records(Topic topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(kafka.reader("test"))) {
      List<TopicPartition> partitions = partitions(topic);
      reader.assign(partitions);
      reader.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = new HashMap<>(reader.endOffsets(partitions));
      ends.values().removeIf(end -> end == 0);
      while (!ends.isEmpty()) {
        reader.poll(POLL).forEach(records::add);
        ends.entrySet().removeIf(end -> reader.position(end.getKey()) >= end.getValue());
      }
    }
    return records;
  }

  /** All events of a kind on a topic. */
  <E extends Event> List<Envelope<E>> events(Topic topic, Class<E> kind) {
    return records(topic).stream().map(record -> CloudEvents.fromRecord(record, kind)).toList();
  }

  /** What lives on a compacted topic, by key. */
  <E extends Event> Map<String, E> latest(Topic topic, Class<E> kind) {
    Map<String, E> latest = new LinkedHashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
      String key = new String(record.key(), UTF_8);
      if (record.value() == null) {
        latest.remove(key);
      } else {
        latest.put(key, CloudEvents.fromRecord(record, kind).data());
      }
    }
    return latest;
  }

  /** Writes a topic's records to the topic under another prefix: same partitions, order, times. */
  void copy(Topic topic, KafkaConfig to) {
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(to.producer("test-copy"))) {
      for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
        var _ =
            producer.send(
                new ProducerRecord<>(
                    to.topic(topic),
                    record.partition(),
                    record.timestamp(),
                    record.key(),
                    record.value(),
                    record.headers()));
      }
      producer.flush();
    }
  }

  /** Waits until a group has read, and committed, every record that is on a topic now. */
  void awaitRead(Topic topic, String group) {
    Map<TopicPartition, Long> last = new HashMap<>();
    records(topic)
        .forEach(
            record ->
                last.merge(
                    new TopicPartition(record.topic(), record.partition()),
                    record.offset(),
                    Math::max));
    try (Admin admin = Admin.create(kafka.admin("test"))) {
      Await.until(
          kafka.id(group) + " has read " + kafka.topic(topic),
          () -> {
            Map<TopicPartition, OffsetAndMetadata> committed = committed(admin, group);
            return last.entrySet().stream()
                .allMatch(
                    end -> {
                      OffsetAndMetadata offset = committed.get(end.getKey());
                      return offset != null && offset.offset() > end.getValue();
                    });
          },
          () -> committed(admin, group) + " of " + last);
    }
  }

  private Map<TopicPartition, OffsetAndMetadata> committed(Admin admin, String group) {
    try {
      return admin.listConsumerGroupOffsets(kafka.id(group)).partitionsToOffsetAndMetadata().get();
    } catch (ExecutionException e) {
      return Map.of();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<TopicPartition> partitions(Topic topic) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (int i = 0; i < topic.partitions(); i++) {
      partitions.add(new TopicPartition(kafka.topic(topic), i));
    }
    return partitions;
  }
}
