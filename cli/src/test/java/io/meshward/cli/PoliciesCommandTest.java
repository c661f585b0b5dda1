package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.PolicyBundle;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoliciesCommandTest {
  private static final Path EXAMPLE = Path.of("../examples/policies/transfer");

  private static EmbeddedKafka broker;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    broker = EmbeddedKafka.start(Map.of());
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  @Test
  void saysWhatEachPolicyComesToAndWhatIsWrongWithIt() throws IOException {
    Path bad = Files.writeString(folder.resolve("bad.json"), "{\"name\": \"p\"}");
    CommandRun run =
        CommandRun.of(
            "policies",
            "check",
            "--roles",
            EXAMPLE.resolve("roles.yaml").toString(),
            EXAMPLE.resolve("policy.json").toString(),
            EXAMPLE.resolve("istio.yaml").toString(),
            bad.toString());

    assertThat(run.exitCode()).isEqualTo(ExitCode.PROBLEMS);
    assertThat(run.out().lines()).hasSize(3);
    assertThat(run.out())
        .contains("policy.json: transfer@")
        .contains("1 deny and 2 allow rules")
        .contains("bad.json: policy.allow_rules is missing");
    assertThat(
            CommandRun.of("policies", "check", EXAMPLE.resolve("istio.yaml").toString()).exitCode())
        .isEqualTo(ExitCode.OK);
  }

  @Test
  void publishesWhatCanBeUsedAndRemovesIt() {
    assertThat(
            CommandRun.of("topics", "apply", "--bootstrap-servers", broker.bootstrapServers())
                .exitCode())
        .isEqualTo(ExitCode.OK);
    Path file = EXAMPLE.resolve("istio.yaml");

    CommandRun published =
        onTopic("publish", "payment", file.toString(), "--shadow", file.toString(), "--actor", "a");
    assertThat(published.exitCode()).as(published.err()).isEqualTo(ExitCode.OK);
    assertThat(published.out()).contains("as bundle payment");
    ConsumerRecord<byte[], byte[]> record = last(1);
    assertThat(new String(record.key(), UTF_8)).isEqualTo("payment");
    PolicyBundle.Policy policy = EventCodec.decode(record.value(), PolicyBundle.class).policy();
    assertThat(policy.bundle()).isEqualTo("payment");
    assertThat(policy.document()).contains("kind: AuthorizationPolicy");
    assertThat(policy.shadowDocument()).isEqualTo(policy.document());
    assertThat(policy.actor()).isEqualTo("a");

    CommandRun refused = onTopic("publish", "payment", EXAMPLE.resolve("policy.json").toString());
    assertThat(refused.exitCode()).isEqualTo(ExitCode.PROBLEMS);
    assertThat(refused.err()).contains("nothing was published").contains("auditor");

    assertThat(onTopic("remove", "payment").exitCode()).isEqualTo(ExitCode.OK);
    assertThat(last(2).value()).isNull();
  }

  @Test
  void saysWhichBrokerDoesNotAnswer() {
    CommandRun run =
        CommandRun.of(
            "policies", "remove", "x", "--bootstrap-servers", "127.0.0.1:1", "--timeout", "1");

    assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    assertThat(run.err()).contains("127.0.0.1:1");
  }

  private static CommandRun onTopic(String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of("policies", command));
    all.addAll(List.of(arguments));
    all.addAll(List.of("--bootstrap-servers", broker.bootstrapServers()));
    return CommandRun.of(all.toArray(String[]::new));
  }

  /** The last of that many records. */
  private static ConsumerRecord<byte[], byte[]> last(int count) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      TopicPartition partition =
          new TopicPartition(TopicCatalogue.POLICIES.name(TopicCatalogue.DEFAULT_PREFIX), 0);
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (records.size() < count && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      assertThat(records).hasSize(count);
      return records.get(count - 1);
    }
  }
}
