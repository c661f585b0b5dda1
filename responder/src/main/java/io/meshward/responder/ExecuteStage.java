package io.meshward.responder;

import io.meshward.daemon.Health;
import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Stage two: hands the records of work and approvals to the owners of their partitions, of which
 * this process has those that its consumer group assigns to it. An owner with too much to do has
 * its partition paused; one that ended gets a successor.
 */
final class ExecuteStage implements ConsumerLoop.Reading, AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final int HIGH_WATER = 1000;
  private static final int LOW_WATER = 100;

  private final KafkaConfig kafka;
  private final PartitionOwner.Parts parts;
  private final Health.Check check;
  private final Map<Integer, PartitionOwner> owners = new ConcurrentHashMap<>();
  private final Map<Integer, Long> successors = new ConcurrentHashMap<>();
  private final Set<Integer> toBePlaced = new HashSet<>();
  private final Set<Integer> paused = new HashSet<>();
  private final ConsumerLoop loop;
  private volatile @Nullable ConsumerGroupMetadata group;

  private ExecuteStage(PartitionOwner.Parts parts, Health health) {
    this.kafka = parts.kafka();
    this.parts = parts;
    this.check = health.check("execute");
    this.loop = new ConsumerLoop("responder-execute", properties(), check, this);
  }

  static ExecuteStage start(PartitionOwner.Parts parts, Health health) {
    ExecuteStage stage = new ExecuteStage(parts, health);
    stage.loop.start();
    return stage;
  }

  /** Something was read elsewhere that a containment may wait for. */
  void changed(String containment) {
    try {
      PartitionOwner owner =
          owners.get(ContainmentId.parse(containment).partition(TopicCatalogue.WORK.partitions()));
      if (owner != null) {
        owner.changed(containment);
      }
    } catch (IllegalArgumentException e) {
      // A hold that a person placed by another name: no containment of ours.
    }
  }

  /** Whether this process owns the partition that stands for them all. */
  boolean leads() {
    PartitionOwner first = owners.get(0);
    return first != null && first.restored() && !first.ended();
  }

  private Map<String, Object> properties() {
    Map<String, Object> properties =
        kafka.consumer("responder-execute", "responder." + parts.cluster() + ".execute");
    properties.put(
        ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, RangeAssignor.class.getName());
    properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
    return properties;
  }

  @Override
  public void read(KafkaConsumer<byte[], byte[]> reader) {
    requireOnePartitioning(reader);
    reader.subscribe(
        List.of(kafka.topic(TopicCatalogue.WORK), kafka.topic(TopicCatalogue.APPROVALS)),
        new ConsumerRebalanceListener() {
          @Override
          public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            closeOwners(numbers(partitions));
          }

          @Override
          public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            group = reader.groupMetadata();
            numbers(partitions).forEach(ExecuteStage.this::open);
          }
        });
    while (!loop.closed()) {
      ConsumerRecords<byte[], byte[]> records = reader.poll(POLL);
      group = reader.groupMetadata();
      for (ConsumerRecord<byte[], byte[]> record : records) {
        PartitionOwner owner = owners.get(record.partition());
        if (owner != null && !owner.ended() && !toBePlaced.contains(record.partition())) {
          owner.read(record);
        }
      }
      replaceEnded(reader);
      throttle(reader);
      boolean ready = owners.values().stream().allMatch(PartitionOwner::restored);
      if (ready) {
        check.pass();
      } else {
        check.fail("reading back what was committed");
      }
    }
  }

  private void requireOnePartitioning(KafkaConsumer<byte[], byte[]> reader) {
    int wanted = TopicCatalogue.WORK.partitions();
    for (Topic topic :
        List.of(
            TopicCatalogue.WORK,
            TopicCatalogue.APPROVALS,
            TopicCatalogue.RESPONSES,
            TopicCatalogue.CONTAINMENTS)) {
      int found = reader.partitionsFor(kafka.topic(topic)).size();
      if (found != wanted) {
        throw new KafkaException(
            "topic "
                + kafka.topic(topic)
                + " has "
                + found
                + " partitions: expected "
                + wanted
                + ", on which the owners of targets depend");
      }
    }
  }

  private static Set<Integer> numbers(Collection<TopicPartition> partitions) {
    Set<Integer> numbers = new HashSet<>();
    partitions.forEach(partition -> numbers.add(partition.partition()));
    return numbers;
  }

  private void open(int partition) {
    owners.computeIfAbsent(partition, number -> PartitionOwner.start(number, parts, this::group));
  }

  private ConsumerGroupMetadata group() {
    ConsumerGroupMetadata current = group;
    if (current == null) {
      throw new IllegalStateException("no partition is owned before the group assigned it");
    }
    return current;
  }

  /** An owner that ended gets a successor, which reads again from what was committed last. */
  private void replaceEnded(KafkaConsumer<byte[], byte[]> reader) {
    for (Map.Entry<Integer, PartitionOwner> entry : Map.copyOf(owners).entrySet()) {
      int number = entry.getKey();
      PartitionOwner owner = entry.getValue();
      if (owner.ended()) {
        Long at = successors.get(number);
        if (at == null) {
          successors.put(number, System.nanoTime() + AGAIN.toNanos());
        } else if (System.nanoTime() >= at) {
          successors.remove(number);
          owners.remove(number);
          toBePlaced.add(number);
          open(number);
        }
      } else if (owner.restored() && toBePlaced.remove(number)) {
        place(reader, number);
      }
    }
  }

  /** Goes back to where a successor has to begin; what was sent for its predecessor is settled. */
  private void place(KafkaConsumer<byte[], byte[]> reader, int number) {
    Set<TopicPartition> both =
        Set.of(
            new TopicPartition(kafka.topic(TopicCatalogue.WORK), number),
            new TopicPartition(kafka.topic(TopicCatalogue.APPROVALS), number));
    Map<TopicPartition, @Nullable OffsetAndMetadata> committed =
        new HashMap<>(reader.committed(both));
    for (TopicPartition partition : both) {
      OffsetAndMetadata offset = committed.get(partition);
      if (offset == null) {
        reader.seekToBeginning(List.of(partition));
      } else {
        reader.seek(partition, offset);
      }
    }
  }

  private void throttle(KafkaConsumer<byte[], byte[]> reader) {
    for (TopicPartition partition : reader.assignment()) {
      PartitionOwner owner = owners.get(partition.partition());
      int backlog = owner == null ? 0 : owner.backlog();
      if (backlog > HIGH_WATER) {
        reader.pause(List.of(partition));
        paused.add(partition.partition());
      } else if (backlog < LOW_WATER && paused.contains(partition.partition())) {
        reader.resume(List.of(partition));
      }
    }
    paused.removeIf(
        number -> {
          PartitionOwner owner = owners.get(number);
          return owner == null || owner.backlog() < LOW_WATER;
        });
  }

  private void closeOwners(Collection<Integer> numbers) {
    for (int number : numbers) {
      PartitionOwner owner = owners.remove(number);
      successors.remove(number);
      toBePlaced.remove(number);
      if (owner != null) {
        owner.close();
      }
    }
  }

  @Override
  public void lost() {
    closeOwners(List.copyOf(owners.keySet()));
  }

  @Override
  public void close() {
    loop.close();
  }
}
