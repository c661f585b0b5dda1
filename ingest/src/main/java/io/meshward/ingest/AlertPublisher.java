package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes alerts to their topic and tells which of them the brokers have.
 *
 * <p>An alert that is under way, or was acknowledged a little while ago, is not written again: its
 * sender only did not hear the answer. This is a courtesy to whoever counts records; whoever counts
 * events goes by their ids. Thread-safe.
 */
final class AlertPublisher implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AlertPublisher.class);

  /** A sender that retries does so within minutes. */
  private static final Duration REMEMBERED = Duration.ofMinutes(10);

  private static final int REMEMBERED_IDS = 50_000;
  private static final Duration CLOSE = Duration.ofSeconds(5);
  private static final long REFUSAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final KafkaConfig kafka;
  private final Duration deadline;
  private final Metrics metrics;
  private final String topic;
  private final AtomicLong inFlightBytes = new AtomicLong();
  private final ConcurrentMap<String, CompletableFuture<Boolean>> underWay =
      new ConcurrentHashMap<>();
  private final Cache<String, Boolean> acknowledged =
      Caffeine.newBuilder().maximumSize(REMEMBERED_IDS).expireAfterWrite(REMEMBERED).build();
  private volatile KafkaProducer<byte[], byte[]> producer;
  private long refusal;
  private boolean closed;

  AlertPublisher(KafkaConfig kafka, Duration deadline, Metrics metrics) {
    this.kafka = kafka;
    this.deadline = deadline;
    this.metrics = metrics;
    topic = kafka.topic(TopicCatalogue.EVENTS_FALCO);
    producer = newProducer();
    metrics.gauge(Metric.INGEST_IN_FLIGHT, inFlightBytes::doubleValue);
    metrics.gauge(Metric.INGEST_REMEMBERED, acknowledged::estimatedSize);
    Thread.ofVirtual().name("ingest-producer-warm-up").start(this::warmUp);
  }

  private KafkaProducer<byte[], byte[]> newProducer() {
    Map<String, Object> properties = kafka.producer("ingest");
    int millis = Math.toIntExact(deadline.toMillis());
    // After the deadline nobody waits for an acknowledgement: the sender was told to try again.
    properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, millis);
    properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, millis);
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, (long) millis);
    properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
    // Of a producer that a broker does not know yet, it takes a second batch where it has refused
    // the first, which is then out of order until its senders are told to try again. What comes
    // while one request is under way goes with the next one: batches grow instead.
    properties.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
    return new KafkaProducer<>(properties);
  }

  /** The first alert need not wait until it is known where its topic is. */
  private void warmUp() {
    try {
      var _ = producer.partitionsFor(topic);
    } catch (RuntimeException e) {
      // Readiness tells why; the first alert tries again.
      log.atDebug().addKeyValue("topic", topic).setCause(e).log("no warm-up");
    }
  }

  /**
   * Writes alerts and waits until the brokers have them, at most until the deadline.
   *
   * @return for each alert, whether all replicas in sync have it
   */
  List<Boolean> publish(List<Alert> alerts) throws InterruptedException {
    long start = System.nanoTime();
    List<CompletableFuture<Boolean>> writes = new ArrayList<>(alerts.size());
    for (Alert alert : alerts) {
      writes.add(left(start) > 0 ? write(alert) : CompletableFuture.completedFuture(false));
    }
    List<Boolean> results = new ArrayList<>(alerts.size());
    for (CompletableFuture<Boolean> write : writes) {
      results.add(await(write, left(start)));
    }
    metrics.record(Metric.INGEST_PUBLISH, Duration.ofNanos(System.nanoTime() - start));
    return results;
  }

  private long left(long start) {
    return deadline.toNanos() - (System.nanoTime() - start);
  }

  private static boolean await(CompletableFuture<Boolean> write, long nanos)
      throws InterruptedException {
    try {
      return write.get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a write never ends in an exception", e);
    }
  }

  private CompletableFuture<Boolean> write(Alert alert) {
    CompletableFuture<Boolean> write = new CompletableFuture<>();
    CompletableFuture<Boolean> other = underWay.putIfAbsent(alert.id(), write);
    if (other != null) {
      return other;
    }
    if (acknowledged.getIfPresent(alert.id()) != null) {
      settle(write, alert, true);
    } else {
      send(write, alert);
    }
    return write;
  }

  private void send(CompletableFuture<Boolean> write, Alert alert) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(
            topic, null, alert.key().getBytes(UTF_8), alert.json(), alert.headers());
    inFlightBytes.addAndGet(alert.json().length);
    KafkaProducer<byte[], byte[]> used = producer;
    Callback settled =
        (_, failure) -> {
          inFlightBytes.addAndGet(-alert.json().length);
          if (failure != null) {
            refused(used, failure);
          }
          settle(write, alert, failure == null);
        };
    try {
      var _ = used.send(record, settled);
    } catch (RuntimeException e) {
      settled.onCompletion(null, e);
    }
  }

  private void settle(CompletableFuture<Boolean> write, Alert alert, boolean acknowledges) {
    if (acknowledges) {
      acknowledged.put(alert.id(), true);
    }
    underWay.remove(alert.id(), write);
    write.complete(acknowledges);
  }

  /** What a broker may do better next time passes; the rest is said, at most once a second. */
  private synchronized void refused(KafkaProducer<byte[], byte[]> failed, Exception failure) {
    long now = System.nanoTime();
    if (closed
        || failure instanceof RetriableException
        || !failed.equals(producer)
        || (refusal != 0 && now - refusal < REFUSAL_NANOS)) {
      return;
    }
    refusal = now;
    log.atError().addKeyValue("topic", topic).setCause(failure).log("Kafka refuses alerts");
    if (failure instanceof RecordTooLargeException) {
      return;
    }
    // The producer may have failed for good, as it does for want of a right: a new one may not.
    producer = newProducer();
    // Not on this thread, which may be the failed producer's own.
    Thread.ofVirtual().name("ingest-producer-close").start(() -> failed.close(Duration.ZERO));
  }

  /** Waits for what is under way, within a few seconds. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    producer.close(CLOSE);
  }
}
