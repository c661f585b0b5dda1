package io.meshward.detect;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.embedded.Broker;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** Detection's topics on a broker, under a prefix of their own, with what writes and reads them. */
final class Pipeline implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofMinutes(2);

  private final KafkaConfig kafka;
  private final Path directory;
  private final KafkaProducer<byte[], byte[]> producer;
  private final List<KafkaConsumer<byte[], byte[]>> consumers = new ArrayList<>();

  Pipeline(Broker broker, Path directory, String rules) throws Exception {
    String prefix = "t" + UUID.randomUUID().toString().substring(0, 8);
    this.kafka = new KafkaConfig(broker.bootstrapServers(), prefix, Map.of());
    this.directory = directory;
    Files.createDirectories(directory.resolve("rules"));
    Files.writeString(directory.resolve("rules/test.yaml"), rules);
    try (Admin admin = Admin.create(kafka.admin("test-admin"))) {
      new TopicAdmin(admin, kafka.prefix(), PATIENCE).apply();
    }
    this.producer = new KafkaProducer<>(kafka.producer("test-producer"));
  }

  KafkaConfig kafka() {
    return kafka;
  }

  Path directory() {
    return directory;
  }

  /** The configuration of detection, as a file would say it. */
  String configuration() {
    return """
    kafka: {bootstrap-servers: "%s", prefix: %s}
    http: {address: "127.0.0.1:0"}
    cluster: demo
    rules: [%s]
    state-directory: %s
    """
        .formatted(
            kafka.bootstrapServers(),
            kafka.prefix(),
            directory.resolve("rules"),
            directory.resolve("state"));
  }

  DetectConfig config() {
    return config(Map.of());
  }

  /** The configuration with properties of Kafka's clients. */
  DetectConfig config(Map<String, String> properties) {
    DetectConfig config = ConfigFile.parse(configuration(), "test", DetectConfig.class);
    return new DetectConfig(
        new KafkaConfig(kafka.bootstrapServers(), kafka.prefix(), properties),
        config.http(),
        config.cluster(),
        config.rules(),
        config.stateDirectory(),
        config.threads(),
        config.timing(),
        config.limits());
  }

  /** Detection in this process, ready. */
  Detect start() {
    Detect detect = Detect.start(config());
    awaitReady(detect);
    return detect;
  }

  /** It may be unready for a moment while the broker's answers are slow. */
  static void awaitReady(Detect detect) {
    await("detection is ready", detect::isReady);
  }

  void send(Envelope<? extends Event> event, String key) throws Exception {
    sendRaw(record(event, key));
  }

  /** Sends without waiting for the acknowledgement. */
  void sendAsync(Envelope<? extends Event> event, String key) {
    var _ = producer.send(record(event, key));
  }

  /** Waits until everything that was sent is acknowledged. */
  void flush() {
    producer.flush();
  }

  private ProducerRecord<byte[], byte[]> record(Envelope<? extends Event> event, String key) {
    Topic topic =
        switch (event.data()) {
          case FalcoAlert alert -> TopicCatalogue.EVENTS_FALCO;
          case Inventory pod -> TopicCatalogue.INVENTORY;
          default -> TopicCatalogue.EVENTS_IDENTITY;
        };
    return CloudEvents.toRecord(kafka.topic(topic), key, event);
  }

  void sendRaw(ProducerRecord<byte[], byte[]> record) throws Exception {
    producer.send(record).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  void knows(Inventory... pods) throws Exception {
    for (Inventory pod : pods) {
      String key = pod.pod().cluster() + "/" + pod.pod().uid();
      send(new Envelope<>(key, "//demo/responder", java.time.Instant.now(), pod), key);
    }
  }

  /** Reads what is committed on a topic, from its start. */
  Reader reader(Topic topic) {
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(kafka.reader("test-reader"));
    consumers.add(consumer);
    List<TopicPartition> partitions = new ArrayList<>();
    for (PartitionInfo partition : consumer.partitionsFor(kafka.topic(topic))) {
      partitions.add(new TopicPartition(partition.topic(), partition.partition()));
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    return new Reader(consumer);
  }

  /** Everything that was read so far. */
  static final class Reader {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();

    private Reader(KafkaConsumer<byte[], byte[]> consumer) {
      this.consumer = consumer;
    }

    private List<ConsumerRecord<byte[], byte[]>> poll() {
      consumer.poll(Duration.ofMillis(20)).forEach(records::add);
      return records;
    }

    List<ConsumerRecord<byte[], byte[]>> await(int count) {
      Pipeline.await(count + " records", () -> poll().size() >= count);
      return records;
    }

    List<Envelope<Detection>> awaitDetections(int count) {
      return await(count).stream()
          .map(record -> CloudEvents.fromRecord(record, Detection.class))
          .toList();
    }
  }

  /** Waits until something holds. */
  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(2));
    consumers.forEach(KafkaConsumer::close);
  }
}
