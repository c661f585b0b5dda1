package io.meshward.chaos;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/** Follows the containments. Thread-safe. */
final class Watch implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);

  private final Map<String, Containment> latest = new ConcurrentHashMap<>();
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread thread;

  Watch(KafkaConfig kafka) {
    consumer = new KafkaConsumer<>(kafka.reader("test-watch"));
    List<TopicPartition> partitions =
        IntStream.range(0, TopicCatalogue.CONTAINMENTS.partitions())
            .mapToObj(i -> new TopicPartition(kafka.topic(TopicCatalogue.CONTAINMENTS), i))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    thread = Thread.ofPlatform().name("test-watch").daemon().start(this::follow);
  }

  private void follow() {
    try (consumer) {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          take(record);
        }
      }
    } catch (WakeupException e) {
      // Closed.
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    try {
      Containment containment = CloudEvents.fromRecord(record, Containment.class).data();
      latest.put(containment.containment().id(), containment);
    } catch (MalformedEventException e) {
      // Some tests write what nobody can read.
    }
  }

  /** All containments there ever were, as they are now. */
  List<Containment> all() {
    return List.copyOf(latest.values());
  }

  /** The containments of a workload. */
  List<Containment> of(String workload) {
    return latest.values().stream()
        .filter(
            containment ->
                Optional.ofNullable(containment.target().owner())
                    .filter(owner -> owner.name().equals(workload))
                    .isPresent())
        .toList();
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
