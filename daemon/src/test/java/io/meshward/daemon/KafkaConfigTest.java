package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaConfigTest {
  private static KafkaConfig parse(String yaml) {
    return ConfigFile.parse(yaml, "kafka.yaml", KafkaConfig.class);
  }

  @Test
  void prefixesNames() {
    KafkaConfig config = parse("bootstrap-servers: a:1, b:2\nprefix: shop");
    assertThat(config.topic(TopicCatalogue.EVENTS_FALCO)).isEqualTo("shop.events.falco");
    assertThat(config.id("responder")).isEqualTo("shop.responder");
    assertThat(parse("bootstrap-servers: a:1").prefix()).isEqualTo("meshward");
  }

  @Test
  void saysThatABrokerMayRefuseAnSvidWithoutAWord() {
    assertThat(new KafkaConfig("kafka:9092", "meshward", Map.of()).unreachable())
        .isEqualTo("no broker answers at kafka:9092");
    assertThat(
            new KafkaConfig(
                    "kafka:9092",
                    "meshward",
                    Map.of("meshward.brokers", "spiffe://example.org/ns/kafka/sa/broker"))
                .unreachable())
        .startsWith("no broker answers at kafka:9092")
        .contains("quarantined");
  }

  @Test
  void keepsWhatThePromisesRestOn() {
    KafkaConfig config = parse("bootstrap-servers: a:1\nproperties: {linger.ms: '3'}");
    assertThat(config.producer("p"))
        .containsEntry("acks", "all")
        .containsEntry("enable.idempotence", true)
        .containsEntry("linger.ms", "3");
    assertThat(config.consumer("c", "g"))
        .containsEntry("isolation.level", "read_committed")
        .containsEntry("enable.auto.commit", false)
        .containsEntry("group.id", "meshward.g")
        .doesNotContainKey("linger.ms");
    assertThat(config.reader("r")).doesNotContainKey("group.id");
    assertThat(config.admin("a")).containsEntry("bootstrap.servers", "a:1");
  }

  @Test
  void refusesWhatItCannotKeep() {
    assertThatThrownBy(() -> parse("bootstrap-servers: a"))
        .hasMessageContaining("bootstrap-servers: 'a': expected host:port");
    assertThatThrownBy(() -> parse("bootstrap-servers: a:1\nprefix: 'no blanks'"))
        .hasMessageContaining("prefix is 'no blanks'");
    assertThatThrownBy(() -> parse("bootstrap-servers: a:1\nproperties: {acks: '1'}"))
        .hasMessageContaining("properties.acks is set by Meshward");
    assertThatThrownBy(() -> parse("bootstrap-servers: a:1\nproperties: {akcs: '1'}"))
        .hasMessageContaining("properties.akcs is unknown");
  }

  @Test
  void takesPasswordsOnlyByReference(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("jaas"), "module required;");
    KafkaConfig config =
        new KafkaConfig("a:1", "meshward", Map.of("sasl.jaas.config", "file:" + file));
    assertThat(config.admin("a")).containsEntry("sasl.jaas.config", "module required;");
    assertThat(ConfigFile.print(config)).doesNotContain("module required");
    assertThatThrownBy(
            () -> new KafkaConfig("a:1", "meshward", Map.of("ssl.key.password", "hunter2")))
        .hasMessageContaining("properties.ssl.key.password is a secret")
        .message()
        .doesNotContain("hunter2");
  }
}
