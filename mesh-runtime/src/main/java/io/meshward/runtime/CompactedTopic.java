package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.ContentHash;
import io.meshward.schemas.DeadLetter;
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
 * Follows a compacted topic as a table: all partitions, in no group, committed records only.
 *
 * <p>Nothing is said before the topic has been read to its end, open transactions included: they
 * are waited for. When Kafka is lost the table stays, and its age grows. A loss so long that
 * tombstones may have been compacted away meanwhile is followed by reading all from the start
 * again; the old table stays until that is done. Whatever else goes wrong, a reader that fails
 * included, is followed by reading all again too, and until a reader has taken over what was read
 * the table's age grows.
 */
final class CompactedTopic implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CompactedTopic.class);
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(2);

  /** Far below the day that Kafka keeps tombstones by default. */
  static final Duration STALE_AFTER = Duration.ofHours(1);

  /** Makes a table of records; called on one thread. */
  interface Reader {

    /** All records come again, from the first one on: a new table begins. */
    void begin();

    void take(ConsumerRecord<byte[], byte[]> record);

    /** What was taken since {@link #begin} is the topic as it stands. */
    void upToDate();
  }

  private final String topic;
  private final Map<String, Object> properties;
  private final Duration staleAfter;
  private final Backoff backoff =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5), new SecureRandom());
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile @Nullable KafkaConsumer<byte[], byte[]> consumer;
  private volatile @Nullable Thread thread;

  /** The last time the broker answered, once the topic has been read; by {@code nanoTime}. */
  private volatile long lastContact;

  private volatile boolean upToDateOnce;

  CompactedTopic(String topic, Map<String, Object> clientProperties, Duration staleAfter) {
    this.topic = topic;
    this.properties = properties(clientProperties);
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
    // The broker answers as soon as there is a record; without one it answers as a sign of life.
    properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
    properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 250);
    properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    return properties;
  }

  /**
   * Parks a record that cannot be used.
   *
   * @param cause a code from a fixed set
   */
  static void park(
      EventReporter reporter,
      ConsumerRecord<byte[], byte[]> record,
      String cause,
      RuntimeException problem) {
    byte[] key = record.key();
    byte[] value = record.value();
    reporter.deadLetter(
        new ContentHash().add(record.topic()).add(record.partition() + "/" + record.offset()).hex(),
        key == null || key.length == 0 ? record.topic() : new String(key, UTF_8),
        new DeadLetter(
            new DeadLetter.Letter(
                "mesh-runtime", cause, String.valueOf(problem.getMessage()), Instant.now()),
            new DeadLetter.Origin(record.topic(), record.partition(), record.offset(), null),
            DeadLetter.Payload.of(value == null ? new byte[0] : value)));
  }

  /** Begins to read. Called once. */
  void watch(Reader reader) {
    thread = Thread.ofPlatform().daemon().name(topic).start(() -> keepReading(reader));
  }

  /** Milliseconds since the topic was last known to be read to its end; -1 before. */
  long ageMs() {
    return upToDateOnce ? (System.nanoTime() - lastContact) / 1_000_000 : -1;
  }

  @Override
  public void close() {
    closing.countDown();
    KafkaConsumer<byte[], byte[]> current = consumer;
    if (current != null) {
      current.wakeup();
    }
    Thread reading = thread;
    if (reading != null) {
      try {
        reading.join(CLOSE_DEADLINE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      reading.interrupt();
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void keepReading(Reader reader) {
    while (!isClosing()) {
      try (KafkaConsumer<byte[], byte[]> opened = new KafkaConsumer<>(properties)) {
        consumer = opened;
        if (!isClosing()) {
          read(opened, reader);
        }
      } catch (WakeupException e) {
        // Only close() wakes it.
        return;
      } catch (KafkaException | IllegalStateException e) {
        log.atWarn()
            .addKeyValue("topic", topic)
            .addKeyValue("reason", e.toString())
            .log("the topic cannot be read now: what is known so far stays");
      } catch (RuntimeException e) {
        log.atError()
            .addKeyValue("topic", topic)
            .setCause(e)
            .log("what was read could not be taken over: the topic is read from the start again");
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

  /**
   * The reader takes over what was read by a time; if it fails, that counts as not read.
   *
   * @param readAt by {@code nanoTime}
   */
  private void takeOver(Reader reader, long readAt) {
    long before = lastContact;
    boolean once = upToDateOnce;
    lastContact = readAt;
    upToDateOnce = true;
    try {
      reader.upToDate();
    } catch (RuntimeException | Error e) {
      upToDateOnce = once;
      lastContact = before;
      throw e;
    }
  }

  /** Reads all, then follows, until Kafka was lost for too long. */
  private void read(KafkaConsumer<byte[], byte[]> from, Reader reader) {
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
    reader.begin();
    while (partitions.stream()
        .anyMatch(
            partition -> from.position(partition, PATIENCE) < ends.getOrDefault(partition, 0L))) {
      from.poll(POLL).forEach(reader::take);
      if (isClosing()) {
        return;
      }
    }
    takeOver(reader, System.nanoTime());
    backoff.reset();
    log.atInfo().addKeyValue("topic", topic).log("the topic has been read to its end");
    follow(from, reader);
  }

  /**
   * The ends of all that was written, committed or not yet. To a reader of committed records the
   * topic ends before the first open transaction, and what others committed behind it would be
   * missed: it has to be waited for.
   */
  private Map<TopicPartition, Long> ends(List<TopicPartition> partitions) {
    Map<String, Object> uncommitted = new HashMap<>(properties);
    uncommitted.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
    try (KafkaConsumer<byte[], byte[]> all = new KafkaConsumer<>(uncommitted)) {
      // It reads nothing; a client of Kafka warns of ends that it is asked for and not assigned to.
      all.assign(partitions);
      return all.endOffsets(partitions, PATIENCE);
    }
  }

  private void follow(KafkaConsumer<byte[], byte[]> from, Reader reader) {
    Metric answers = answers(from);
    double answered = count(answers);
    while (!isClosing()) {
      ConsumerRecords<byte[], byte[]> records = from.poll(POLL);
      double now = count(answers);
      if (now > answered || !records.isEmpty()) {
        answered = now;
        long answeredAt = System.nanoTime();
        long away = answeredAt - lastContact;
        if (away > staleAfter.toNanos()) {
          log.atWarn()
              .addKeyValue("seconds", Duration.ofNanos(away).toSeconds())
              .addKeyValue("topic", topic)
              .log("Kafka was away for long: the topic is read from the start again");
          return;
        }
        if (records.isEmpty()) {
          lastContact = answeredAt;
        } else {
          records.forEach(reader::take);
          takeOver(reader, answeredAt);
        }
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
}
