package io.meshward.daemon;

import io.meshward.schemas.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Topics and their records, for tests. */
final class KafkaFixture {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private KafkaFixture() {}

  static void create(KafkaConfig kafka, Topic... topics) throws Exception {
    try (Admin admin = Admin.create(kafka.admin("test"))) {
      admin
          .createTopics(
              Arrays.stream(topics)
                  .map(topic -> new NewTopic(kafka.topic(topic), 1, (short) 1))
                  .toList())
          .all()
          .get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  /** Reads a topic of one partition from its start until it has that many records. */
  static List<ConsumerRecord<byte[], byte[]>> read(KafkaConfig kafka, Topic topic, int count) {
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(kafka.reader("test"))) {
      List<TopicPartition> partitions = List.of(new TopicPartition(kafka.topic(topic), 0));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      long end = System.nanoTime() + TIMEOUT.toNanos();
      while (records.size() < count) {
        if (System.nanoTime() - end > 0) {
          throw new AssertionError(count + " records expected in " + topic + ", read " + records);
        }
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      return records;
    }
  }
}
