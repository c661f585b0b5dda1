package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.ContentHash;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.TopicCatalogue;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds from the compacted quarantine topic: all partitions, in no group, committed records only.
 *
 * <p>Nothing is said before the topic has been read to its end, open transactions included: they
 * are waited for. When Kafka is lost the holds stay, and their age grows. A loss so long that
 * tombstones may have been compacted away meanwhile is followed by reading all from the start
 * again; the old holds stay until that is done. A record whose key parses is a hold, whatever its
 * value; one whose key does not is parked as a dead letter.
 */
final class KafkaQuarantineSource implements QuarantineSource {
  private static final Logger log = LoggerFactory.getLogger(KafkaQuarantineSource.class);
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(2);

  /** Far below the day that Kafka keeps tombstones by default. */
  private static final Duration STALE_AFTER = Duration.ofHours(1);

  private final String topic;
  private final Map<String, Object> properties;
  private final EventReporter reporter;
  private final Duration staleAfter;
  private final Backoff backoff =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5), new SecureRandom());
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile @Nullable KafkaConsumer<byte[], byte[]> consumer;
  private volatile @Nullable Thread reader;

  /** The last time the broker answered, once the topic has been read; by {@code nanoTime}. */
  private volatile long lastContact;

  private volatile boolean upToDateOnce;

  KafkaQuarantineSource(
      Map<String, Object> clientProperties, String prefix, EventReporter reporter) {
    this(clientProperties, prefix, reporter, STALE_AFTER);
  }

  KafkaQuarantineSource(
      Map<String, Object> clientProperties,
      String prefix,
      EventReporter reporter,
      Duration staleAfter) {
    this.topic = TopicCatalogue.QUARANTINE.name(prefix);
    this.properties = properties(clientProperties);
    this.reporter = reporter;
    this.staleAfter = staleAfter;
  }

  private static Map<String, Object> properties(Map<String, Object> clientProperties) {
    Map<String, Object> properties = new HashMap<>(clientProperties);
    properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
    properties.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    properties.putIfAbsent(ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 1_000);
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    // The broker answers as soon as there is a hold; without one it answers as a sign of life.
    properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
    properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 250);
    properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    return properties;
  }

  @Override
  public void watch(Listener listener) {
    reader =
        Thread.ofPlatform().daemon().name("meshward-quarantine").start(() -> keepReading(listener));
  }

  @Override
  public long ageMs() {
    return upToDateOnce ? (System.nanoTime() - lastContact) / 1_000_000 : -1;
  }

  @Override
  public void close() {
    closing.countDown();
    KafkaConsumer<byte[], byte[]> current = consumer;
    if (current != null) {
      current.wakeup();
    }
    Thread thread = reader;
    if (thread != null) {
      try {
        thread.join(CLOSE_DEADLINE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      thread.interrupt();
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void keepReading(Listener listener) {
    while (!isClosing()) {
      try (KafkaConsumer<byte[], byte[]> opened = new KafkaConsumer<>(properties)) {
        consumer = opened;
        if (!isClosing()) {
          read(opened, listener);
        }
      } catch (WakeupException e) {
        // Only close() wakes it.
        return;
      } catch (KafkaException | IllegalStateException e) {
        log.atWarn()
            .addKeyValue("topic", topic)
            .addKeyValue("reason", e.toString())
            .log("the quarantine cannot be read now: the holds known so far stay");
      } finally {
        consumer = null;
      }
      try {
        closing.await(backoff.next().toMillis(), MILLISECONDS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Reads all, then follows, until Kafka was lost for too long. */
  private void read(KafkaConsumer<byte[], byte[]> from, Listener listener) {
    List<PartitionInfo> known = from.partitionsFor(topic, PATIENCE);
    if (known == null || known.isEmpty()) {
      throw new IllegalStateException(
          "topic " + topic + " does not exist: create the topics with meshward topics apply");
    }
    List<TopicPartition> partitions =
        known.stream().map(each -> new TopicPartition(topic, each.partition())).toList();
    from.assign(partitions);
    from.seekToBeginning(partitions);
    Map<TopicPartition, Long> ends = ends(partitions);
    Map<QuarantineKey, Hold> holds = new HashMap<>();
    while (partitions.stream()
        .anyMatch(
            partition -> from.position(partition, PATIENCE) < ends.getOrDefault(partition, 0L))) {
      from.poll(POLL).forEach(record -> take(record, holds));
      if (isClosing()) {
        return;
      }
    }
    lastContact = System.nanoTime();
    upToDateOnce = true;
    backoff.reset();
    listener.holds(List.copyOf(holds.values()));
    log.atInfo().addKeyValue("holds", holds.size()).log("the quarantine has been read to its end");
    follow(from, holds, listener);
  }

  /**
   * The ends of all that was written, committed or not yet. To a reader of committed records the
   * topic ends before the first open transaction, and holds that others committed behind it would
   * be missed: it has to be waited for.
   */
  private Map<TopicPartition, Long> ends(List<TopicPartition> partitions) {
    Map<String, Object> uncommitted = new HashMap<>(properties);
    uncommitted.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
    try (KafkaConsumer<byte[], byte[]> all = new KafkaConsumer<>(uncommitted)) {
      return all.endOffsets(partitions, PATIENCE);
    }
  }

  private void follow(
      KafkaConsumer<byte[], byte[]> from, Map<QuarantineKey, Hold> holds, Listener listener) {
    Metric answers = answers(from);
    double answered = count(answers);
    while (!isClosing()) {
      ConsumerRecords<byte[], byte[]> records = from.poll(POLL);
      double now = count(answers);
      if (now > answered || !records.isEmpty()) {
        answered = now;
        long away = System.nanoTime() - lastContact;
        lastContact = System.nanoTime();
        if (away > staleAfter.toNanos()) {
          log.atWarn()
              .addKeyValue("seconds", Duration.ofNanos(away).toSeconds())
              .log("Kafka was away for long: the quarantine is read from the start again");
          return;
        }
      }
      if (!records.isEmpty()) {
        records.forEach(record -> take(record, holds));
        listener.holds(List.copyOf(holds.values()));
      }
    }
  }

  /** Counts the broker's answers to fetches, those without records included. */
  private static Metric answers(KafkaConsumer<byte[], byte[]> from) {
    return from.metrics().entrySet().stream()
        .filter(entry -> entry.getKey().name().equals("fetch-total"))
        .filter(entry -> entry.getKey().group().equals("consumer-fetch-manager-metrics"))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("this Kafka client does not count fetches"));
  }

  private static double count(Metric metric) {
    return metric.metricValue() instanceof Number number ? number.doubleValue() : 0;
  }

  private void take(ConsumerRecord<byte[], byte[]> record, Map<QuarantineKey, Hold> holds) {
    QuarantineKey key;
    String text = record.key() == null ? "" : new String(record.key(), UTF_8);
    try {
      key = QuarantineKey.parse(text);
    } catch (MalformedEventException e) {
      park(record, text, String.valueOf(e.getMessage()));
      return;
    }
    if (record.value() == null) {
      holds.remove(key);
    } else {
      holds.put(key, hold(key, record.value()));
    }
  }

  private static Hold hold(QuarantineKey key, byte[] value) {
    try {
      Quarantine quarantine = EventCodec.decode(value, Quarantine.class);
      if (quarantine.key().equals(key)) {
        Quarantine.Hold hold = quarantine.hold();
        return new Hold(key, hold.placedAt(), hold.expiresAt(), hold.issuedBefore());
      }
      log.atWarn()
          .addKeyValue("key", key)
          .log("a hold's value names another subject: its key holds");
    } catch (MalformedEventException e) {
      log.atWarn()
          .addKeyValue("key", key)
          .addKeyValue("reason", e.getMessage())
          .log("a hold's value cannot be read: it refuses every SVID, and does not end by itself");
    }
    return Hold.ofUnreadable(key);
  }

  private void park(ConsumerRecord<byte[], byte[]> record, String key, String problem) {
    log.atError()
        .addKeyValue("partition", record.partition())
        .addKeyValue("offset", record.offset())
        .addKeyValue("reason", problem)
        .log("a record of the quarantine names no subject");
    byte[] payload = record.value() == null ? new byte[0] : record.value();
    reporter.deadLetter(
        new ContentHash().add(record.topic()).add(record.partition() + "/" + record.offset()).hex(),
        key.isEmpty() ? topic : key,
        new DeadLetter(
            new DeadLetter.Letter("mesh-runtime", "malformed_key", problem, Instant.now()),
            new DeadLetter.Origin(record.topic(), record.partition(), record.offset(), null),
            DeadLetter.Payload.of(payload)));
  }
}
