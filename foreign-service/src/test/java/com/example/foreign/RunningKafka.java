package com.example.foreign;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A broker with Meshward's topics, in a JVM of its own, whose Kafka is not that of Spring Boot;
 * used with the clients that are.
 */
final class RunningKafka implements AutoCloseable {
  static final String PREFIX = "meshward";
  private static final Path MODULE = Path.of("..", "embedded", "target");
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Process process;
  private final String bootstrapServers;

  private RunningKafka(Process process, String bootstrapServers) {
    this.process = process;
    this.bootstrapServers = bootstrapServers;
  }

  /** Returns once the broker serves and the topics are there. */
  static RunningKafka start() throws Exception {
    Process process = process();
    String bootstrapServers = process.inputReader().readLine();
    if (bootstrapServers == null) {
      throw new AssertionError(
          "the broker ended before it served:\n"
              + new String(process.getErrorStream().readAllBytes(), UTF_8));
    }
    Thread.ofVirtual().start(() -> process.errorReader().lines().forEach(System.out::println));
    RunningKafka kafka = new RunningKafka(process, bootstrapServers);
    kafka.create(
        TopicCatalogue.EVENTS_IDENTITY, TopicCatalogue.QUARANTINE, TopicCatalogue.ENFORCEMENT);
    return kafka;
  }

  private static Process process() throws IOException {
    Path classPath = MODULE.resolve("class-path");
    if (!Files.exists(classPath)) {
      throw new IllegalStateException(
          classPath.toAbsolutePath().normalize()
              + " is missing: expected that module embedded is built, as by mvn -pl foreign-service"
              + " -am");
    }
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx384m",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            MODULE.resolve("classes") + File.pathSeparator + Files.readString(classPath).strip(),
            "io.meshward.embedded.KafkaProcess")
        .start();
  }

  private void create(Topic... topics) throws Exception {
    try (Admin admin = Admin.create(settings())) {
      admin
          .createTopics(
              List.of(topics).stream()
                  .map(
                      topic ->
                          new NewTopic(topic.name(PREFIX), topic.partitions(), (short) 1)
                              .configs(
                                  Map.of(
                                      "cleanup.policy", topic.compacted() ? "compact" : "delete")))
                  .toList())
          .all()
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
  }

  String bootstrapServers() {
    return bootstrapServers;
  }

  private Map<String, Object> settings() {
    return Map.of("bootstrap.servers", bootstrapServers);
  }

  /**
   * Writes a record.
   *
   * @param value null for a tombstone
   */
  void write(Topic topic, String key, byte[] value) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings(), new ByteArraySerializer(), new ByteArraySerializer())) {
      producer
          .send(new ProducerRecord<>(topic.name(PREFIX), key.getBytes(UTF_8), value))
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
  }

  /** The first record of a topic that a condition holds for, awaited. */
  ConsumerRecord<byte[], byte[]> await(
      Topic topic, Predicate<ConsumerRecord<byte[], byte[]>> condition) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic.name(PREFIX), PATIENCE).stream()
              .map(each -> new TopicPartition(each.topic(), each.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
          if (condition.test(record)) {
            return record;
          }
        }
      }
    }
    throw new AssertionError("no such record on " + topic.name() + " within " + PATIENCE);
  }

  @Override
  public void close() throws Exception {
    process.getOutputStream().close();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the broker did not stop within 30 s of the end of its input");
    }
  }
}
