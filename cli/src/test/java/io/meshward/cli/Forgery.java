package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Event;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * What comes of lies by somebody who may write events and has nobody's key. Each is the true report
 * by which a stolen SVID was contained, but says that another identity was used: once with the
 * signature of that report, and behind it without any, to show what a lie does that is not proved
 * to be one.
 *
 * @param contained the containment that answered the true report
 * @param letter the dead letter of the forged one
 * @param detections by either
 * @param containments by the same playbook of whom they are about, in each of their states
 */
record Forgery(
    Containment contained,
    DeadLetter letter,
    List<Detection> detections,
    List<Containment> containments) {
  static final String FORGED = "forged";
  static final String UNSIGNED = "unsigned";
  private static final String RULE = "Stolen SVID";

  /** Writes them, and waits until the second one has come to its end. */
  static Forgery commit(KafkaConfig kafka, SpiffeId victim) throws Exception {
    try (PipelineRecords records =
            PipelineRecords.start(
                kafka.reader("forger"), kafka.prefix(), TopicCatalogue.all(), record -> {});
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(kafka.producer("forger"))) {
      Detection truth =
          await(records, Detection.class, found -> found.detection().rule().equals(RULE));
      Containment contained = containment(records, truth, ContainmentState.CONTAINED);
      ConsumerRecord<byte[], byte[]> report = read(kafka, truth.evidence().getFirst());
      String stolen = String.valueOf(truth.target().spiffeId());

      RecordMetadata at = send(producer, lie(report, stolen, victim, FORGED));
      ProducerRecord<byte[], byte[]> unsigned = lie(report, stolen, victim, UNSIGNED);
      unsigned.headers().remove(CloudEvents.SIGNATURE);
      RecordMetadata _ = send(producer, unsigned);

      Detection unproved =
          await(records, Detection.class, found -> found.detection().anchor().equals(UNSIGNED));
      Containment asks = containment(records, unproved, ContainmentState.AWAITING_APPROVAL);
      DeadLetter.Origin place =
          new DeadLetter.Origin(at.topic(), at.partition(), at.offset(), null);
      return new Forgery(
          contained,
          await(records, DeadLetter.class, found -> found.origin().equals(place)),
          all(
              records,
              Detection.class,
              found -> Set.of(FORGED, UNSIGNED).contains(found.detection().anchor())),
          all(
              records,
              Containment.class,
              found ->
                  found.playbook().equals(asks.playbook())
                      && victim.equals(found.target().spiffeId())));
    }
  }

  private static Containment containment(
      PipelineRecords records, Detection detection, ContainmentState state) throws Exception {
    return await(
        records,
        Containment.class,
        found ->
            found.detections().contains(detection.detection().id())
                && found.containment().state() == state);
  }

  private static <E extends Event> E await(
      PipelineRecords records, Class<E> kind, Predicate<E> fits) throws Exception {
    return records
        .await(kind, kind.getSimpleName() + " of the forger's story", Stage.PATIENCE, fits)
        .event();
  }

  private static <E extends Event> List<E> all(
      PipelineRecords records, Class<E> kind, Predicate<E> fits) {
    return records.all(kind, fits).stream().map(PipelineRecords.Observed::event).toList();
  }

  /** A report about somebody else, under an id of its own, on the same partition. */
  private static ProducerRecord<byte[], byte[]> lie(
      ConsumerRecord<byte[], byte[]> report, String about, SpiffeId victim, String id) {
    ProducerRecord<byte[], byte[]> lie =
        new ProducerRecord<>(
            report.topic(),
            report.partition(),
            report.key(),
            new String(report.value(), UTF_8)
                .replace('"' + about + '"', "\"" + victim + '"')
                .getBytes(UTF_8),
            report.headers());
    lie.headers().remove(CloudEvents.ID).add(CloudEvents.ID, id.getBytes(UTF_8));
    return lie;
  }

  private static RecordMetadata send(
      KafkaProducer<byte[], byte[]> producer, ProducerRecord<byte[], byte[]> record)
      throws Exception {
    return producer.send(record).get(30, TimeUnit.SECONDS);
  }

  private static ConsumerRecord<byte[], byte[]> read(KafkaConfig kafka, EvidenceRef evidence) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(kafka.reader("forger-reads"))) {
      TopicPartition partition = new TopicPartition(evidence.topic(), evidence.partition());
      consumer.assign(List.of(partition));
      consumer.seek(partition, evidence.offset());
      long end = System.nanoTime() + Stage.PATIENCE.toNanos();
      while (System.nanoTime() < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          return record;
        }
      }
      throw new AssertionError("nothing at " + evidence);
    }
  }
}
