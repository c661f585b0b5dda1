package io.meshward.responder;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Health;
import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Control;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every responder process knows of the whole: the control topic's highest mode, the holds on
 * the quarantine topic, what peers reported of late, and how often containments began by
 * themselves. Read without a group, from the start; ready once read to the end. Lost for a while,
 * it keeps what it knows. Thread-safe.
 */
final class Tables implements ConsumerLoop.Reading, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Tables.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration REQUEST = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(10);

  /** Older reports of peers say nothing about what is under way. */
  private static final Duration REPORTS = Duration.ofHours(1);

  private final KafkaConfig kafka;
  private final String cluster;
  private final BudgetBook budget;
  private final InstantSource clock;
  private final DeadLetters deadLetters;
  private final Health.Check check;
  private final Peers peers = new Peers();
  private final Set<String> holds = ConcurrentHashMap.newKeySet();
  private final Consumer<String> changed;
  private final ConsumerLoop loop;
  private volatile ResponseMode highest = ResponseMode.ENFORCE;

  private Tables(
      KafkaConfig kafka,
      String cluster,
      BudgetBook budget,
      DeadLetters deadLetters,
      InstantSource clock,
      Health health,
      Consumer<String> changed) {
    this.kafka = kafka;
    this.cluster = cluster;
    this.budget = budget;
    this.clock = clock;
    this.deadLetters = deadLetters;
    this.check = health.check("tables");
    this.changed = changed;
    this.loop = new ConsumerLoop("responder-tables", kafka.reader("responder-tables"), check, this);
  }

  /**
   * Starts reading.
   *
   * @param deadLetters takes what cannot be read
   * @param changed called with the id of a containment that something was read about
   */
  static Tables start(
      KafkaConfig kafka,
      String cluster,
      BudgetBook budget,
      DeadLetters deadLetters,
      InstantSource clock,
      Health health,
      Consumer<String> changed) {
    Tables tables = new Tables(kafka, cluster, budget, deadLetters, clock, health, changed);
    tables.loop.start();
    return tables;
  }

  /** The highest mode allowed in the cluster. */
  ResponseMode highest() {
    return highest;
  }

  /** What peers reported about the holds of a containment; which are gone, the caller knows. */
  Peers.Report peers(String containment, Predicate<LocalWorkload> gone) {
    return peers.of(containment, gone);
  }

  /** Whether a hold is on the topic. */
  boolean onTopic(QuarantineKey key) {
    return holds.contains(key.toString());
  }

  /** Whether everything was read to the end once, since the last interruption. */
  boolean ready() {
    return check.problem().isEmpty();
  }

  /**
   * Waits until everything was read to the end.
   *
   * @throws IllegalStateException if that takes too long
   */
  void awaitReady(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (!ready()) {
      if (System.nanoTime() > end || loop.closed()) {
        throw new IllegalStateException("the tables are not read: " + check.problem().orElse(""));
      }
      try {
        Thread.sleep(LOOK);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted", e);
      }
    }
  }

  @Override
  public void read(KafkaConsumer<byte[], byte[]> reader) {
    List<TopicPartition> whole = new ArrayList<>();
    for (Topic topic :
        List.of(TopicCatalogue.CONTROL, TopicCatalogue.QUARANTINE, TopicCatalogue.CONTAINMENTS)) {
      whole.addAll(partitions(reader, topic));
    }
    List<TopicPartition> recent = partitions(reader, TopicCatalogue.ENFORCEMENT);
    List<TopicPartition> all = new ArrayList<>(whole);
    all.addAll(recent);
    reader.assign(all);
    reader.seekToBeginning(whole);
    seekBack(reader, recent);
    Map<TopicPartition, Long> ends = new HashMap<>(reader.endOffsets(all, REQUEST));
    Set<String> before = Set.copyOf(holds);
    Set<String> seen = ConcurrentHashMap.newKeySet();
    while (!loop.closed()) {
      ConsumerRecords<byte[], byte[]> records = reader.poll(POLL);
      for (ConsumerRecord<byte[], byte[]> record : records) {
        take(record, seen);
      }
      if (!ends.isEmpty()) {
        ends.entrySet().removeIf(end -> reader.position(end.getKey()) >= end.getValue());
        if (ends.isEmpty()) {
          // What was compacted away during an interruption was released.
          before.stream().filter(key -> !seen.contains(key)).forEach(holds::remove);
          check.pass();
        }
      }
    }
  }

  private List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> reader, Topic topic) {
    List<PartitionInfo> partitions = reader.partitionsFor(kafka.topic(topic), REQUEST);
    if (partitions == null || partitions.isEmpty()) {
      throw new KafkaException("topic " + kafka.topic(topic) + " does not exist");
    }
    return partitions.stream()
        .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
        .toList();
  }

  private void seekBack(KafkaConsumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    long from = clock.instant().minus(REPORTS).toEpochMilli();
    Map<TopicPartition, Long> wanted = new HashMap<>();
    partitions.forEach(partition -> wanted.put(partition, from));
    Map<TopicPartition, @Nullable OffsetAndTimestamp> found =
        new HashMap<>(reader.offsetsForTimes(wanted, REQUEST));
    for (TopicPartition partition : partitions) {
      OffsetAndTimestamp offset = found.get(partition);
      if (offset == null) {
        reader.seekToEnd(List.of(partition));
      } else {
        reader.seek(partition, offset.offset());
      }
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record, Set<String> seen) {
    try {
      String topic = record.topic();
      String key = ResolveStage.key(record);
      if (topic.equals(kafka.topic(TopicCatalogue.QUARANTINE))) {
        hold(key, record.value() == null, seen);
      } else if (topic.equals(kafka.topic(TopicCatalogue.CONTROL))) {
        if (key.equals(cluster)) {
          control(record);
        }
      } else if (topic.equals(kafka.topic(TopicCatalogue.ENFORCEMENT))) {
        Enforcement enforcement = CloudEvents.fromRecord(record, Enforcement.class).data();
        peers.add(enforcement);
        changed.accept(enforcement.enforcement().containment());
      } else if (record.value() != null) {
        budget.seen(CloudEvents.fromRecord(record, Containment.class).data());
      }
    } catch (MalformedEventException e) {
      log.atWarn()
          .addKeyValue("topic", record.topic())
          .addKeyValue("partition", record.partition())
          .addKeyValue("offset", record.offset())
          .addKeyValue("problem", e.getMessage())
          .log("a record cannot be read");
      ResolveStage.park(deadLetters, record, "malformed_event", e.getMessage());
    }
  }

  private void hold(String key, boolean released, Set<String> seen) {
    String containment = QuarantineKey.parse(key).containment();
    if (released) {
      holds.remove(key);
    } else {
      holds.add(key);
      seen.add(key);
    }
    changed.accept(containment);
  }

  /** Somebody wanted a limit that cannot be read: the lowest one, until it can. */
  private void control(ConsumerRecord<byte[], byte[]> record) {
    ResponseMode next = ResponseMode.OBSERVE;
    try {
      next =
          record.value() == null
              ? ResponseMode.ENFORCE
              : CloudEvents.fromRecord(record, Control.class).data().control().highestMode();
    } finally {
      if (next != highest) {
        log.atWarn()
            .addKeyValue("highestMode", next)
            .log("the control topic sets the highest mode");
      }
      highest = next;
    }
  }

  @Override
  public void lost() {
    // What is known is kept.
  }

  @Override
  public void close() {
    loop.close();
  }
}
