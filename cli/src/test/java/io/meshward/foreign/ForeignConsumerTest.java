package io.meshward.foreign;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import io.meshward.cli.CommandJvm;
import io.meshward.cli.Meshward;
import io.meshward.embedded.EmbeddedKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Somebody else's client reads what the demonstration writes, on every topic and while it runs,
 * with nothing in hand but the AsyncAPI file and the JSON Schemas.
 */
class ForeignConsumerTest {
  private static final Path ASYNC_API = Path.of("..", "schemas", "asyncapi.yaml");
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final Logger log = LoggerFactory.getLogger(ForeignConsumerTest.class);

  /**
   * What the stories do not write: nothing is parked while all goes well, nobody turns the kill
   * switch or distributes a policy, and no risk is scored.
   */
  private static final Set<String> SILENT = Set.of("deadletter", "control", "policies", "risk");

  @TempDir Path folder;

  @Test
  void readsEverythingThatTheDemoWrites() throws Exception {
    List<Channel> channels = Channel.read(ASYNC_API);
    try (EmbeddedKafka kafka = EmbeddedKafka.start();
        ForeignClient client = new ForeignClient(kafka.bootstrapServers(), channels)) {
      Path output = folder.resolve("demo.log");
      Process demo = demo(kafka.bootstrapServers(), output);
      try {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (demo.isAlive()) {
          if (System.nanoTime() > end) {
            throw new AssertionError(
                "the demo does not end within " + PATIENCE + ": " + Files.readString(output));
          }
          client.read();
        }
      } finally {
        demo.destroyForcibly();
      }
      log.info("read by topic: {}", client.counts());
      // Whether its stories went well is for the demonstration's own tests to say.
      assertThat(client.problems()).isEmpty();
      for (Map.Entry<String, ForeignClient.Count> count : client.counts().entrySet()) {
        if (!SILENT.contains(count.getKey())) {
          assertThat(count.getValue().total())
              .as("records on %s of %s", count.getKey(), Files.readString(output))
              .isPositive();
        }
      }
    }
  }

  private static Process demo(String bootstrapServers, Path output) throws IOException {
    return new ProcessBuilder(
            CommandJvm.command(
                List.of("-XX:TieredStopAtLevel=1", "-Xmx512m"),
                Meshward.class,
                List.of("demo", "--bootstrap", bootstrapServers)))
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start();
  }

  @Test
  void findsNothingWrongWithTheSampleOfATypeAndWhateverIsWrongWithAnotherRecord()
      throws IOException {
    Channel responses = channel("responses");
    Channel containments = channel("containments");
    String type = "io.meshward.response.v1";
    byte[] sample =
        Files.readAllBytes(
            Path.of("..", "schemas/src/main/resources/io/meshward/schemas/samples/response.json"));

    assertThat(RecordCheck.problems(responses, record(type, sample))).isEmpty();
    assertThat(RecordCheck.problems(containments, record(type, null))).isEmpty();

    assertThat(RecordCheck.problems(responses, record(type, null)))
        .singleElement()
        .asString()
        .contains("not compacted");
    assertThat(RecordCheck.problems(containments, record(type, sample)))
        .singleElement()
        .asString()
        .contains("ce_type");
    assertThat(RecordCheck.problems(responses, record(type, "{}".getBytes(UTF_8)))).isNotEmpty();
    for (String header : List.of("ce_id", "ce_source", "ce_time", "ce_specversion", "ce_type")) {
      ConsumerRecord<byte[], byte[]> without = record(type, sample);
      without.headers().remove(header);
      assertThat(RecordCheck.problems(responses, without)).as("without " + header).isNotEmpty();
      ConsumerRecord<byte[], byte[]> blank = record(type, sample);
      blank.headers().remove(header);
      blank.headers().add(header, " ".getBytes(UTF_8));
      assertThat(RecordCheck.problems(responses, blank)).as("with a blank " + header).isNotEmpty();
    }
  }

  private static Channel channel(String name) throws IOException {
    return Channel.read(ASYNC_API).stream()
        .filter(channel -> channel.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static ConsumerRecord<byte[], byte[]> record(String type, byte @Nullable [] value) {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("topic", 0, 0, "key".getBytes(UTF_8), value);
    Map.of(
            "ce_specversion", "1.0",
            "ce_id", "id",
            "ce_source", "//local/test",
            "ce_type", type,
            "ce_time", "2026-01-02T03:04:05.678901234Z",
            "content-type", "application/json")
        .forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
    return record;
  }

  @Test
  void usesNoClassOfOurs() {
    JavaClasses client =
        new ClassFileImporter()
            .importClasses(ForeignClient.class, RecordCheck.class, Channel.class);
    ArchRuleDefinition.noClasses()
        .that()
        .resideInAPackage("io.meshward.foreign")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.meshward.cli..",
            "io.meshward.schemas..",
            "io.meshward.daemon..",
            "io.meshward.runtime..",
            "io.meshward.detect..",
            "io.meshward.responder..",
            "io.meshward.ingest..",
            "io.meshward.embedded..",
            "io.meshward.rules..",
            "io.meshward.testkit..")
        .check(client);
  }
}
