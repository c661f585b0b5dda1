package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What the page on Kafka tells daemons to write is accepted. */
class KafkaPageTest {
  private static final String INDENTED = "    ";

  @Test
  void thePropertiesOfThePageAreTaken() throws IOException {
    String page = Files.readString(Path.of("../docs/kafka.md"));

    assertThat(taken(page, "## Clients"))
        .containsEntry("meshward.brokers", "spiffe://example.org/ns/kafka/*")
        .hasSize(4);
    assertThat(taken(page, "## Managed brokers"))
        .containsEntry("meshward.audience", "kafka.example.org")
        .hasSize(5);
  }

  /** The properties in the first block of YAML under a heading. */
  private static Map<String, String> taken(String page, String heading) {
    String after = page.substring(page.indexOf(heading));
    String block = after.split("```", -1)[1];
    Map<String, String> properties = new TreeMap<>();
    block
        .lines()
        .filter(line -> line.startsWith(INDENTED))
        .forEach(
            line -> {
              String[] parts = line.strip().split(": ", 2);
              properties.put(parts[0], parts[1]);
            });
    return new KafkaConfig("kafka-0:9093", "meshward", properties).properties();
  }
}
