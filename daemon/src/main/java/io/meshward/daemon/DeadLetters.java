package io.meshward.daemon;

import io.meshward.runtime.RenewedProducer;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what a process could not use, on the dead letter topic.
 *
 * <p>Writing never throws and never blocks. A sender may write {@value
 * DeadLetterQuota#BYTES_PER_SENDER} bytes in a minute; what it sends beyond is counted, and once a
 * minute the count is a letter itself. Letters wait in a bounded queue; while no broker takes them,
 * further ones are dropped and counted. Thread-safe.
 */
public final class DeadLetters implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DeadLetters.class);
  private static final int QUEUE = 256;
  private static final Duration REPORT = Duration.ofMinutes(1);
  private static final Duration CLOSE = Duration.ofSeconds(3);

  /** About what a letter has beside the message. */
  private static final int OVERHEAD_BYTES = 512;

  private final KafkaConfig kafka;
  private final String stage;
  private final String source;
  private final Metrics metrics;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RenewedProducer producer;
  private final DeadLetterQuota quota = new DeadLetterQuota();
  private final BlockingQueue<Letter> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Thread writer;
  private volatile boolean closing;

  private record Letter(String key, DeadLetter data, String cause) {}

  /** Quotas fill by a clock of their own, as {@link System#nanoTime()}. */
  DeadLetters(
      KafkaConfig kafka,
      String stage,
      String source,
      InstantSource clock,
      LongSupplier nanoTime,
      Metrics metrics) {
    this.kafka = kafka;
    this.stage = stage;
    this.source = source;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.metrics = metrics;
    Map<String, Object> properties = kafka.producer(stage + "-dead-letters");
    properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 4L * 1024 * 1024);
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 2000L);
    // Of a producer that a broker does not know yet, it takes a second batch where it has refused
    // the first, which is then out of order for ever: the first would be lost.
    properties.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
    producer = new RenewedProducer(properties);
    metrics.gauge(Metric.DEAD_LETTERS_WAITING, queue::size, stage);
    writer = Thread.ofVirtual().name(stage + "-dead-letters").start(this::run);
  }

  /**
   * Starts a writer.
   *
   * @param stage the process: ingest, detect, responder
   * @param source what letters carry as {@code ce_source}
   */
  public static DeadLetters start(
      KafkaConfig kafka, String stage, String source, InstantSource clock, Metrics metrics) {
    return new DeadLetters(kafka, stage, source, clock, System::nanoTime, metrics);
  }

  /**
   * Writes a letter, if its sender's quota allows.
   *
   * @param key the message's own key, where it had one
   * @param cause a code from a fixed set, such as {@code malformed_json}: it becomes a metric's
   *     label
   * @param detail what is wrong, for people
   * @param message of which the first {@value DeadLetter#MAX_PAYLOAD_BYTES} bytes are kept
   */
  public void write(
      @Nullable String key, DeadLetter.Origin origin, String cause, String detail, byte[] message) {
    String sender = sender(origin);
    DeadLetter.Payload payload = DeadLetter.Payload.of(message);
    long bytes = OVERHEAD_BYTES + Math.min(message.length, DeadLetter.MAX_PAYLOAD_BYTES) * 4L / 3;
    boolean admitted;
    synchronized (quota) {
      admitted = quota.admits(sender, bytes, nanoTime.getAsLong());
    }
    if (!admitted) {
      count(cause, "over_quota");
      return;
    }
    offer(
        new Letter(
            key == null ? sender : key,
            new DeadLetter(
                new DeadLetter.Letter(stage, cause, detail, clock.instant()), origin, payload),
            cause));
  }

  private void offer(Letter letter) {
    if (closing || !queue.offer(letter)) {
      count(letter.cause(), "lost");
    }
  }

  private void run() {
    long report = System.nanoTime() + REPORT.toNanos();
    try {
      while (!closing || !queue.isEmpty()) {
        Letter letter = queue.poll(100, TimeUnit.MILLISECONDS);
        if (letter != null) {
          send(letter);
        }
        if (System.nanoTime() - report > 0) {
          reportDropped();
          report = System.nanoTime() + REPORT.toNanos();
        }
      }
      reportDropped();
    } catch (InterruptedException e) {
      // Closed, and out of time.
    }
  }

  private void send(Letter letter) {
    try {
      producer.send(
          record(letter),
          (metadata, failure) -> count(letter.cause(), failure == null ? "kept" : "lost"));
    } catch (RuntimeException e) {
      count(letter.cause(), "lost");
      log.atWarn()
          .addKeyValue("cause", letter.cause())
          .addKeyValue("reason", e.getMessage())
          .log("a dead letter is lost");
    }
  }

  private ProducerRecord<byte[], byte[]> record(Letter letter) {
    DeadLetter data = letter.data();
    DeadLetter.Origin origin = data.origin();
    // The same message from the same place is the same letter.
    String id =
        new ContentHash()
            .add(stage)
            .add(letter.cause())
            .add(origin.topic() + "/" + origin.partition() + "/" + origin.offset())
            .add(origin.sender())
            .add(data.payload().bytes())
            .hex();
    return CloudEvents.toRecord(
        kafka.topic(TopicCatalogue.DEADLETTER),
        letter.key(),
        new Envelope<>(id, source, data.letter().at(), data));
  }

  private void reportDropped() {
    Map<String, DeadLetterQuota.Dropped> dropped;
    synchronized (quota) {
      dropped = quota.takeDropped();
    }
    dropped.forEach(
        (sender, count) -> {
          String detail =
              count.letters() + " letters of about " + count.bytes() + " bytes were over quota";
          log.atWarn()
              .addKeyValue("sender", sender)
              .addKeyValue("letters", count.letters())
              .log("dead letters over quota");
          send(
              new Letter(
                  sender,
                  new DeadLetter(
                      new DeadLetter.Letter(stage, "over_quota", detail, clock.instant()),
                      new DeadLetter.Origin(null, null, null, sender),
                      new DeadLetter.Payload(new byte[0], count.bytes())),
                  "over_quota"));
        });
  }

  private void count(String cause, String outcome) {
    metrics.increment(Metric.DEAD_LETTERS, stage, cause, outcome);
  }

  private static String sender(DeadLetter.Origin origin) {
    if (origin.sender() != null) {
      return origin.sender();
    }
    return origin.topic() == null ? "unknown" : origin.topic();
  }

  /** Writes what is queued, within a few seconds. Idempotent. */
  @Override
  public void close() {
    closing = true;
    try {
      if (!writer.join(CLOSE)) {
        writer.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(CLOSE);
  }
}
