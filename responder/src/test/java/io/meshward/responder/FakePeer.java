package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/** A service of the mesh as the responder sees it: it applies holds and reports that. */
final class FakePeer implements AutoCloseable {
  final Set<String> holds = ConcurrentHashMap.newKeySet();

  private final KafkaConfig kafka;
  private final String name;
  private final @Nullable String pod;
  private final KafkaConsumer<byte[], byte[]> reader;
  private final KafkaProducer<byte[], byte[]> producer;
  private final Thread thread;
  private volatile boolean closed;

  FakePeer(KafkaConfig kafka, String name, @Nullable String pod) {
    this.kafka = kafka;
    this.name = name;
    this.pod = pod;
    this.reader = new KafkaConsumer<>(kafka.reader("peer-" + name));
    this.producer = new KafkaProducer<>(kafka.producer("peer-" + name));
    this.thread = Thread.ofPlatform().daemon().start(this::run);
  }

  private void run() {
    TopicPartition partition = new TopicPartition(kafka.topic(TopicCatalogue.QUARANTINE), 0);
    try {
      reader.assign(List.of(partition));
      reader.seekToBeginning(List.of(partition));
      while (!closed) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
          take(record);
        }
      }
    } catch (WakeupException e) {
      // Closed.
    } finally {
      reader.close();
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    String key = new String(record.key(), UTF_8);
    QuarantineKey parsed;
    try {
      parsed = QuarantineKey.parse(key);
    } catch (MalformedEventException e) {
      return;
    }
    boolean changed = record.value() == null ? holds.remove(key) : holds.add(key);
    if (changed || record.value() != null) {
      report(parsed, record.value() != null);
    }
  }

  private void report(QuarantineKey key, boolean applied) {
    Instant now = Instant.now();
    var _ =
        producer.send(
            CloudEvents.toRecord(
                kafka.topic(TopicCatalogue.ENFORCEMENT),
                key.containment(),
                new Envelope<>(
                    UUID.randomUUID().toString(),
                    "//peer/" + name,
                    now,
                    new Enforcement(
                        new Enforcement.Applied(
                            key.containment(),
                            applied ? Enforcement.Outcome.APPLIED : Enforcement.Outcome.RELEASED,
                            applied ? 2 : 0,
                            now,
                            null),
                        key.subject(),
                        new LocalWorkload(Shop.identity(name), null, pod, name)))));
  }

  @Override
  public void close() {
    closed = true;
    reader.wakeup();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(1));
  }
}
