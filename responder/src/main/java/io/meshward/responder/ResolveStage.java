package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Health;
import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stage one, without state: takes detections, lets playbooks see what they want in them, and puts
 * the work, by target, on the partition that owns it. The detections of a partition and the work
 * they cause are one transaction: each is planned for once. Whatever fails, it begins again from
 * what was committed.
 */
final class ResolveStage implements ConsumerLoop.Reading, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ResolveStage.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final int BATCH = 100;

  private final KafkaConfig kafka;
  private final String cluster;
  private final String source;
  private final Planner planner;
  private final DeadLetters deadLetters;
  private final InstantSource clock;
  private final Checkpoint checkpoint;
  private final Health.Check check;
  private final ExecutorService resolvers = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<Integer, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
  private final ConsumerLoop loop;

  private record Planned(
      ConsumerRecord<byte[], byte[]> record,
      Envelope<Detection> envelope,
      Future<List<Work>> work) {}

  private ResolveStage(
      KafkaConfig kafka,
      String cluster,
      String source,
      Planner planner,
      DeadLetters deadLetters,
      InstantSource clock,
      Checkpoint checkpoint,
      Health health) {
    this.kafka = kafka;
    this.cluster = cluster;
    this.source = source;
    this.planner = planner;
    this.deadLetters = deadLetters;
    this.clock = clock;
    this.checkpoint = checkpoint;
    this.check = health.check("resolve");
    this.loop = new ConsumerLoop("responder-resolve", properties(kafka, cluster), check, this);
  }

  static ResolveStage start(
      KafkaConfig kafka,
      String cluster,
      String source,
      Planner planner,
      DeadLetters deadLetters,
      InstantSource clock,
      Checkpoint checkpoint,
      Health health) {
    ResolveStage stage =
        new ResolveStage(kafka, cluster, source, planner, deadLetters, clock, checkpoint, health);
    stage.loop.start();
    return stage;
  }

  private static Map<String, Object> properties(KafkaConfig kafka, String cluster) {
    Map<String, Object> properties =
        kafka.consumer("responder-resolve", "responder." + cluster + ".resolve");
    properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, BATCH);
    properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
    return properties;
  }

  @Override
  public void read(KafkaConsumer<byte[], byte[]> reader) {
    reader.subscribe(
        List.of(kafka.topic(TopicCatalogue.DETECTIONS)),
        new ConsumerRebalanceListener() {
          @Override
          public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            partitions.forEach(partition -> closeProducer(partition.partition()));
          }

          @Override
          public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            // Whoever wrote for these partitions before does so no more.
            partitions.forEach(partition -> producer(partition.partition()));
            check.pass();
          }
        });
    try {
      while (!loop.closed()) {
        ConsumerRecords<byte[], byte[]> records = reader.poll(POLL);
        for (TopicPartition partition : records.partitions()) {
          process(reader, partition, records.records(partition));
        }
      }
    } catch (Checkpoint.Killed e) {
      producers.values().forEach(producer -> producer.close(Duration.ZERO));
      throw e;
    }
  }

  private void process(
      KafkaConsumer<byte[], byte[]> reader,
      TopicPartition partition,
      List<ConsumerRecord<byte[], byte[]>> records) {
    List<Planned> planned = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : records) {
      try {
        Envelope<Detection> envelope = CloudEvents.fromRecord(record, Detection.class);
        String of = envelope.data().target().cluster();
        if (of == null || of.equals(cluster)) {
          planned.add(
              new Planned(record, envelope, resolvers.submit(() -> planner.plan(envelope.data()))));
        }
      } catch (MalformedEventException e) {
        park(deadLetters, record, "malformed_event", e.getMessage());
      }
    }
    KafkaProducer<byte[], byte[]> producer = producer(partition.partition());
    producer.beginTransaction();
    for (Planned each : planned) {
      for (Work work : result(each)) {
        send(producer, each.envelope(), work);
      }
    }
    producer.sendOffsetsToTransaction(
        Map.of(partition, new OffsetAndMetadata(records.getLast().offset() + 1)),
        reader.groupMetadata());
    checkpoint.pass("resolve: committing");
    producer.commitTransaction();
    checkpoint.pass("resolve: committed");
  }

  private List<Work> result(Planned planned) {
    try {
      return planned.work().get();
    } catch (ExecutionException e) {
      log.atError()
          .addKeyValue("detection", planned.envelope().id())
          .setCause(e.getCause())
          .log("a detection cannot be planned for");
      park(deadLetters, planned.record(), "cannot_plan", String.valueOf(e.getCause()));
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WakeupException();
    }
  }

  private void send(KafkaProducer<byte[], byte[]> producer, Envelope<Detection> cause, Work work) {
    String id = work.work().containment();
    int partition = ContainmentId.parse(id).partition(TopicCatalogue.WORK.partitions());
    ProducerRecord<byte[], byte[]> record =
        CloudEvents.toRecord(
            kafka.topic(TopicCatalogue.WORK),
            work.target().key(),
            new Envelope<>(id, source, id, clock.instant(), cause.traceparent(), work));
    var _ =
        producer.send(
            new ProducerRecord<>(
                record.topic(), partition, record.key(), record.value(), record.headers()));
  }

  /**
   * The text of a record's key.
   *
   * @throws MalformedEventException if there is none
   */
  static String key(ConsumerRecord<byte[], byte[]> record) {
    if (record.key() == null) {
      throw new MalformedEventException("the key is null: expected one");
    }
    return new String(record.key(), UTF_8);
  }

  /** Keeps a record that cannot be used. */
  static void park(
      DeadLetters deadLetters,
      ConsumerRecord<byte[], byte[]> record,
      String cause,
      @Nullable String problem) {
    deadLetters.write(
        record.key() == null ? null : new String(record.key(), UTF_8),
        new DeadLetter.Origin(record.topic(), record.partition(), record.offset(), null),
        cause,
        String.valueOf(problem),
        record.value() == null ? new byte[0] : record.value());
  }

  private KafkaProducer<byte[], byte[]> producer(int partition) {
    return producers.computeIfAbsent(
        partition,
        number -> {
          KafkaProducer<byte[], byte[]> producer =
              new KafkaProducer<>(
                  Ledger.transactional(kafka, "responder." + cluster + ".resolve-" + number));
          try {
            producer.initTransactions();
            // Known before it is needed.
            var _ = producer.partitionsFor(kafka.topic(TopicCatalogue.WORK));
            return producer;
          } catch (KafkaException e) {
            producer.close(Duration.ZERO);
            throw e;
          }
        });
  }

  private void closeProducer(int partition) {
    KafkaProducer<byte[], byte[]> producer = producers.remove(partition);
    if (producer != null) {
      producer.close(Duration.ofSeconds(1));
    }
  }

  @Override
  public void lost() {
    List.copyOf(producers.keySet()).forEach(this::closeProducer);
  }

  @Override
  public void close() {
    loop.close();
    resolvers.shutdownNow();
  }
}
