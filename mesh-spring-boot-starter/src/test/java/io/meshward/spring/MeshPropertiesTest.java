package io.meshward.spring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.ByteArrayResource;

class MeshPropertiesTest {

  @Test
  void withoutAnyNothingIsDeclinedAndKafkaIsNotUsed() {
    assertThat(bind(Map.of()))
        .isEqualTo(
            new MeshProperties(
                null, null, new MeshProperties.Kafka("meshward", Map.of()), false, false));
  }

  @Test
  void eachIsTakenAsItIsWritten() {
    assertThat(
            bind(
                Map.of(
                    "meshward.workload-api", "unix:/run/spire/agent.sock",
                    "meshward.policy", "/etc/shop/policy.json",
                    "meshward.kafka.prefix", "shop",
                    "meshward.kafka.properties.bootstrap.servers", "kafka:9092",
                    "meshward.kafka.properties.security.protocol", "SSL",
                    "meshward.without-events", "true",
                    "meshward.without-quarantine", "true")))
        .isEqualTo(
            new MeshProperties(
                "unix:/run/spire/agent.sock",
                Path.of("/etc/shop/policy.json"),
                new MeshProperties.Kafka(
                    "shop", Map.of("bootstrap.servers", "kafka:9092", "security.protocol", "SSL")),
                true,
                true));
  }

  @Test
  void whatIsNeitherTrueNorFalseIsRefusedByItsName() {
    assertThatThrownBy(() -> bind(Map.of("meshward.without-events", "perhaps")))
        .isInstanceOf(BindException.class)
        .hasMessageContaining("meshward.without-events");
  }

  @Test
  void thePagesShowPropertiesThatExist() throws IOException {
    for (String page : List.of("../docs/embed.md", "README.md")) {
      MeshProperties shown = bind(properties(page));

      assertThat(shown.workloadApi()).as(page).isEqualTo("unix:/run/spire/agent.sock");
      assertThat(shown.policy()).as(page).isEqualTo(Path.of("/etc/shop/policy.json"));
      assertThat(shown.kafka().prefix()).as(page).isEqualTo("meshward");
      assertThat(shown.kafka().properties())
          .as(page)
          .containsExactly(Map.entry("bootstrap.servers", "kafka:9092"));
    }
  }

  /** As Spring Boot reads the page's one block of YAML; a name that does not exist is an error. */
  private static Map<String, Object> properties(String page) throws IOException {
    Matcher yaml =
        Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of(page)));
    assertThat(yaml.find()).as("YAML in " + page).isTrue();
    PropertySource<?> source =
        new YamlPropertySourceLoader()
            .load(page, new ByteArrayResource(yaml.group(1).getBytes(UTF_8)))
            .get(0);
    Map<String, Object> properties = new HashMap<>();
    for (String name : ((EnumerablePropertySource<?>) source).getPropertyNames()) {
      properties.put(name, requireNonNull(source.getProperty(name)).toString());
    }
    return properties;
  }

  private static MeshProperties bind(Map<String, ?> properties) {
    return new Binder(new MapConfigurationPropertySource(properties))
        .bindOrCreate(
            "meshward",
            Bindable.of(MeshProperties.class),
            new NoUnboundElementsBindHandler(BindHandler.DEFAULT));
  }
}
