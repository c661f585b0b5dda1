package io.meshward.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Control;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventType;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records that nobody can read, on every topic that a daemon or a peer reads here: each is parked
 * in the dead letters with its cause and place, and what comes behind it goes its way; also after a
 * restart, when much of it is read again.
 */
class PoisonTest {
  private static final Logger log = LoggerFactory.getLogger(PoisonTest.class);

  /** Who reads what, by the stage that a dead letter names. */
  private static final Map<Topic, Set<String>> READERS =
      Map.ofEntries(
          Map.entry(TopicCatalogue.EVENTS_IDENTITY, Set.of("detect")),
          Map.entry(TopicCatalogue.EVENTS_FALCO, Set.of("detect")),
          Map.entry(TopicCatalogue.FACTS, Set.of("detect")),
          Map.entry(TopicCatalogue.INVENTORY, Set.of("detect")),
          Map.entry(TopicCatalogue.DETECTIONS, Set.of("responder")),
          Map.entry(TopicCatalogue.WORK, Set.of("responder")),
          Map.entry(TopicCatalogue.APPROVALS, Set.of("responder")),
          Map.entry(TopicCatalogue.CONTAINMENTS, Set.of("responder")),
          Map.entry(TopicCatalogue.ENFORCEMENT, Set.of("responder")),
          Map.entry(TopicCatalogue.CONTROL, Set.of("responder")),
          Map.entry(TopicCatalogue.QUARANTINE, Set.of("responder", "mesh-runtime")));

  private static final byte[] HALF = "{\"half\":".getBytes(UTF_8);
  private static final byte[] EMPTY = "{}".getBytes(UTF_8);

  /** Of the inventory, where it is the responder's own cluster; nobody knows it elsewhere. */
  private static final byte[] KEY = (Cluster.NAME + "/poison").getBytes(UTF_8);

  private static final int STORIES = 4;

  @TempDir Path folder;

  /** A record as it was written, under its place. */
  private record Poison(Topic topic, ProducerRecord<byte[], byte[]> record) {}

  @Test
  void whatNobodyCanReadIsParkedAndTheRestGoesOn() throws Exception {
    try (Installation installation = new Installation(folder, 1);
        Watch watch = new Watch(installation.kafka);
        Sensor sensor = new Sensor(installation.daemon("ingest")::address)) {
      Map<String, String> pods = installation.cluster.deploy(Stories.workloads(STORIES));
      installation.startDaemons();
      Map<DeadLetter.Origin, Poison> poison = write(installation);
      AtomicLong numbers = new AtomicLong();
      List<Story> stories = new Stories(new Random(1), numbers).tell(pods, Instant.now());
      play(installation, sensor, watch, numbers, stories.subList(0, STORIES / 2));
      awaitParked(installation, poison);

      installation.restartDaemons();
      play(installation, sensor, watch, numbers, stories.subList(STORIES / 2, STORIES));
    }
  }

  private static void play(
      Installation installation,
      Sensor sensor,
      Watch watch,
      AtomicLong numbers,
      List<Story> stories)
      throws Exception {
    try (Load load = new Load(installation, sensor, watch, numbers)) {
      stories.forEach(load::tell);
      load.finish();
    }
    for (Story story : stories) {
      Await.until(
          story.workload() + " comes to " + story.end(),
          () ->
              watch.of(story.workload()).stream()
                  .anyMatch(c -> c.containment().state() == story.end()),
          () -> watch.of(story.workload()) + installation.daemon("respond").tail());
    }
    installation.daemons.values().forEach(DaemonProcess::awaitReady);
  }

  /** Half a document, a document that is no event, and nothing; with and without key. */
  private static Map<DeadLetter.Origin, Poison> write(Installation installation) throws Exception {
    Map<DeadLetter.Origin, Poison> written = new LinkedHashMap<>();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(installation.kafka.producer("poison"))) {
      for (Topic topic : READERS.keySet()) {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        byte[] key = topic.equals(TopicCatalogue.CONTROL) ? Cluster.NAME.getBytes(UTF_8) : KEY;
        records.add(record(installation, topic, key, HALF));
        records.add(typed(topic, record(installation, topic, key, EMPTY)));
        if (!topic.compacted()) {
          records.add(record(installation, topic, null, HALF));
          records.add(typed(topic, record(installation, topic, KEY, null)));
        }
        for (ProducerRecord<byte[], byte[]> record : records) {
          RecordMetadata at = producer.send(record).get();
          written.put(
              new DeadLetter.Origin(at.topic(), at.partition(), at.offset(), null),
              new Poison(topic, record));
        }
      }
      // A limit that cannot be read is the lowest one, until the next one.
      Instant now = Instant.now();
      producer
          .send(
              CloudEvents.toRecord(
                  installation.kafka.topic(TopicCatalogue.CONTROL),
                  Cluster.NAME,
                  new Envelope<>(
                      "limit",
                      "//test",
                      now,
                      new Control(
                          new Control.Limit(
                              Cluster.NAME, ResponseMode.ENFORCE, "a test", "test", now)))))
          .get();
    }
    return written;
  }

  private static ProducerRecord<byte[], byte[]> record(
      Installation installation, Topic topic, byte @Nullable [] key, byte @Nullable [] value) {
    return new ProducerRecord<>(installation.kafka.topic(topic), 0, key, value);
  }

  /** With the headers of an event that belongs there. */
  private static ProducerRecord<byte[], byte[]> typed(
      Topic topic, ProducerRecord<byte[], byte[]> record) {
    EventType type = topic.values().getFirst();
    Map.of(
            "ce_specversion",
            "1.0",
            CloudEvents.ID,
            "poison",
            CloudEvents.SOURCE,
            "//test",
            CloudEvents.TYPE,
            type.cloudEventType(),
            CloudEvents.TIME,
            Instant.now().toString())
        .forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
    return record;
  }

  private static void awaitParked(
      Installation installation, Map<DeadLetter.Origin, Poison> poison) {
    Await.until(
        "all " + poison.size() + " are parked",
        () -> missing(installation, poison).isEmpty(),
        () -> "missing: " + missing(installation, poison));
    Map<String, Long> counts = new TreeMap<>();
    for (DeadLetter letter : letters(installation)) {
      Poison written = Objects.requireNonNull(poison.get(letter.origin()), letter.toString());
      assertThat(letter.letter().cause()).isNotBlank();
      assertThat(letter.letter().detail()).isNotBlank();
      byte[] value = written.record().value();
      assertThat(letter.payload().bytes()).isEqualTo(value == null ? new byte[0] : value);
      counts.merge(written.topic().name() + " by " + letter.letter().stage(), 1L, Long::sum);
    }
    log.info("dead letters: {}", counts);
  }

  /** What is not parked by everyone who reads it. */
  private static Set<String> missing(
      Installation installation, Map<DeadLetter.Origin, Poison> poison) {
    Map<DeadLetter.Origin, Set<String>> parked =
        letters(installation).stream()
            .collect(
                Collectors.groupingBy(
                    DeadLetter::origin,
                    Collectors.mapping(letter -> letter.letter().stage(), Collectors.toSet())));
    return poison.entrySet().stream()
        .flatMap(
            entry ->
                READERS.getOrDefault(entry.getValue().topic(), Set.of()).stream()
                    .filter(stage -> !parked.getOrDefault(entry.getKey(), Set.of()).contains(stage))
                    .map(stage -> entry.getKey() + " by " + stage))
        .collect(Collectors.toSet());
  }

  private static List<DeadLetter> letters(Installation installation) {
    return installation.topics.events(TopicCatalogue.DEADLETTER, DeadLetter.class).stream()
        .map(Envelope::data)
        .toList();
  }
}
