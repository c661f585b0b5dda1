package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Response;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Writes what happened to the containments of one partition: each batch is one Kafka transaction.
 * Opening a ledger fences whoever had it open before. A write that fails leaves the ledger
 * unusable: it is closed and opened again, and what was committed is read back. Not thread-safe.
 */
final class Ledger implements AutoCloseable {
  /** A transaction that is not ended by then is aborted by the broker. */
  private static final int TRANSACTION_TIMEOUT_MS = 15_000;

  private final KafkaConfig kafka;
  private final String source;
  private final int partition;
  private final Checkpoint checkpoint;
  private final KafkaProducer<byte[], byte[]> producer;

  private Ledger(
      KafkaConfig kafka,
      String source,
      int partition,
      Checkpoint checkpoint,
      KafkaProducer<byte[], byte[]> producer) {
    this.kafka = kafka;
    this.source = source;
    this.partition = partition;
    this.checkpoint = checkpoint;
    this.producer = producer;
  }

  /**
   * Opens the ledger of a partition.
   *
   * @param source what its events carry as {@code ce_source}
   * @throws KafkaException if that is not possible now
   */
  static Ledger open(
      KafkaConfig kafka, String cluster, String source, int partition, Checkpoint checkpoint) {
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(transactional(kafka, "responder." + cluster + ".execute-" + partition));
    try {
      producer.initTransactions();
      // Known before they are needed.
      for (Topic topic :
          List.of(
              TopicCatalogue.RESPONSES, TopicCatalogue.CONTAINMENTS, TopicCatalogue.QUARANTINE)) {
        var _ = producer.partitionsFor(kafka.topic(topic));
      }
    } catch (KafkaException e) {
      producer.close(Duration.ZERO);
      throw e;
    }
    return new Ledger(kafka, source, partition, checkpoint, producer);
  }

  /** The properties of a producer with a transactional id. */
  static Map<String, Object> transactional(KafkaConfig kafka, String id) {
    Map<String, Object> properties = kafka.producer(id);
    properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, kafka.id(id));
    properties.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, TRANSACTION_TIMEOUT_MS);
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 20_000);
    properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000);
    properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 10_000);
    // A transaction right behind another waits for it to be completed: look again soon.
    properties.put(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 2);
    properties.put(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, 200);
    properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 8L * 1024 * 1024);
    return properties;
  }

  /**
   * Writes a batch and the positions of the inputs that caused it, all or nothing.
   *
   * @throws KafkaException if it was not written, or if that is not known
   */
  void write(
      Batch batch,
      Map<TopicPartition, OffsetAndMetadata> offsets,
      @Nullable ConsumerGroupMetadata group) {
    producer.beginTransaction();
    for (Response response : batch.responses()) {
      String id = response.response().containment();
      send(
          TopicCatalogue.RESPONSES,
          partition,
          id,
          new Envelope<>(
              id + "/" + response.response().sequence(),
              source,
              id,
              response.response().at(),
              traceparent(batch, id),
              response));
    }
    batch.containments().forEach(this::containment);
    for (Map.Entry<QuarantineKey, Optional<Quarantine>> hold : batch.holds().entrySet()) {
      hold(hold.getKey(), hold.getValue(), batch);
    }
    if (!offsets.isEmpty() && group != null) {
      producer.sendOffsetsToTransaction(offsets, group);
    }
    checkpoint.pass("execute: committing", batch);
    producer.commitTransaction();
    checkpoint.pass("execute: committed", batch);
  }

  private static @Nullable String traceparent(Batch batch, String id) {
    return batch
        .containments()
        .getOrDefault(id, Optional.empty())
        .map(containment -> containment.containment().traceparent())
        .orElse(null);
  }

  private void containment(String id, Optional<Containment> state) {
    if (state.isEmpty()) {
      tombstone(TopicCatalogue.CONTAINMENTS, partition, id);
      return;
    }
    Containment.Head head = state.get().containment();
    send(
        TopicCatalogue.CONTAINMENTS,
        partition,
        id,
        new Envelope<>(
            id + "/" + head.sequence(),
            source,
            id,
            head.updatedAt(),
            head.traceparent(),
            state.get()));
  }

  private void hold(QuarantineKey key, Optional<Quarantine> hold, Batch batch) {
    if (hold.isEmpty()) {
      tombstone(TopicCatalogue.QUARANTINE, null, key.toString());
      return;
    }
    Instant placedAt = hold.get().hold().placedAt();
    send(
        TopicCatalogue.QUARANTINE,
        null,
        key.toString(),
        new Envelope<>(
            key.containment() + "/" + placedAt.toEpochMilli(),
            source,
            hold.get().subject().value(),
            placedAt,
            traceparent(batch, key.containment()),
            hold.get()));
  }

  private void send(
      Topic topic, @Nullable Integer target, String key, Envelope<? extends Event> envelope) {
    ProducerRecord<byte[], byte[]> record = CloudEvents.toRecord(kafka.topic(topic), key, envelope);
    ignoreResult(
        new ProducerRecord<>(
            record.topic(), target, record.key(), record.value(), record.headers()));
  }

  private void tombstone(Topic topic, @Nullable Integer target, String key) {
    ignoreResult(new ProducerRecord<>(kafka.topic(topic), target, key.getBytes(UTF_8), null));
  }

  /** A record that cannot be sent fails the commit. */
  private void ignoreResult(ProducerRecord<byte[], byte[]> record) {
    var _ = producer.send(record);
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(2));
  }

  /** Lets go at once, as a process that is killed does. */
  void abandon() {
    producer.close(Duration.ZERO);
  }
}
