package io.meshward.foreign;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads every topic of some channels from its beginning, as soon as it exists, whatever its prefix,
 * and holds each record to what the channel says. Used by one thread.
 */
final class ForeignClient implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);

  private final List<Channel> channels;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, Channel> topics = new HashMap<>();
  private final Map<String, Count> counts = new TreeMap<>();
  private final List<String> problems = new ArrayList<>();

  /**
   * What was read of a channel.
   *
   * @param kinds how many records there were of each type
   */
  record Count(Map<String, Integer> kinds) {
    int total() {
      return kinds.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  ForeignClient(String bootstrapServers, List<Channel> channels) {
    this.channels = channels;
    channels.forEach(channel -> counts.put(channel.name(), new Count(new TreeMap<>())));
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrapServers,
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest",
                "enable.auto.commit",
                false,
                "allow.auto.create.topics",
                false),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
  }

  /** Takes up topics that are new, and what came to the others. */
  void read() {
    if (topics.size() < channels.size()) {
      discover();
    }
    if (topics.isEmpty()) {
      return;
    }
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
      Channel channel = Objects.requireNonNull(topics.get(record.topic()));
      count(channel, record);
      problems.addAll(RecordCheck.problems(channel, record));
    }
  }

  private void discover() {
    Map<String, List<PartitionInfo>> existing = consumer.listTopics();
    for (Channel channel : channels) {
      for (String topic : existing.keySet()) {
        if (channel.address().matcher(topic).matches()) {
          topics.putIfAbsent(topic, channel);
        }
      }
    }
    consumer.assign(
        topics.keySet().stream()
            .flatMap(topic -> existing.getOrDefault(topic, List.of()).stream())
            .map(each -> new TopicPartition(each.topic(), each.partition()))
            .toList());
  }

  private void count(Channel channel, ConsumerRecord<byte[], byte[]> record) {
    Objects.requireNonNull(counts.get(channel.name()))
        .kinds()
        .merge(RecordCheck.kind(record), 1, Integer::sum);
  }

  /** What was read, by channel. */
  Map<String, Count> counts() {
    return counts;
  }

  /** What was not as the channel says. */
  List<String> problems() {
    return problems;
  }

  @Override
  public void close() {
    consumer.close();
  }
}
