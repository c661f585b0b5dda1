package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.meshward.daemon.ConfigFile;
import io.meshward.detect.DetectConfig;
import io.meshward.ingest.IngestConfig;
import io.meshward.responder.ResponderConfig;
import io.meshward.testkit.RealSpire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds docker-compose.yml to the command line, the configuration records and Kafka's own settings.
 */
class ComposeFileTest {
  private static final Path ROOT = Path.of("..");
  private static final String TARGET_FOLDER = "/etc/meshward/";
  private static final Map<String, Class<? extends Record>> CONFIGS =
      Map.of(
          "ingest", IngestConfig.class,
          "detect", DetectConfig.class,
          "responder", ResponderConfig.class);

  @Test
  void runsTheWholePipeline() throws IOException {
    assertThat(names(compose().get("services")))
        .contains("kafka", "topics", "ingest", "detect", "respond");
    assertThat(profiles()).containsExactlyInAnyOrder("k3s", "spire");
  }

  @ParameterizedTest
  @MethodSource("ownServices")
  void everyCommandLineIsUnderstood(String name) throws IOException {
    String[] command = texts(service(name).get("command")).toArray(String[]::new);

    assertThatCode(() -> Meshward.commandLine().parseArgs(command))
        .as(name)
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @MethodSource("ownServices")
  void everySettingIsUnderstoodAndEveryFileThatACommandNamesIsThere(String name)
      throws IOException {
    List<String> mounted = new ArrayList<>();
    for (JsonNode mount : service(name).path("configs")) {
      String source = mount.get("source").textValue();
      Path file = ROOT.resolve(compose().at("/configs/" + source + "/file").textValue());
      mounted.add(mount.get("target").textValue());

      assertThat(
              ConfigFile.parse(
                  Files.readString(file),
                  file.toString(),
                  Objects.requireNonNull(CONFIGS.get(source), source)))
          .as(file.toString())
          .isNotNull();
    }
    assertThat(mounted)
        .containsAll(
            texts(service(name).get("command")).stream()
                .filter(argument -> argument.startsWith(TARGET_FOLDER))
                .toList());
  }

  @ParameterizedTest
  @MethodSource("ownServices")
  void everyProcessRunsWithoutRightsItDoesNotNeed(String name) throws IOException {
    JsonNode service = service(name);

    assertThat(service.get("user").textValue()).isEqualTo("10001:10001");
    assertThat(service.get("read_only").booleanValue()).isTrue();
    assertThat(texts(service.get("cap_drop"))).containsExactly("ALL");
    assertThat(texts(service.get("tmpfs"))).contains("/tmp");
  }

  @Test
  void theImageRunsAsAnUnprivilegedUserOnAJavaRuntime() throws IOException {
    List<String> lines = Files.readAllLines(ROOT.resolve("deploy/Dockerfile"));

    assertThat(lines).contains("USER 10001:10001", "ENTRYPOINT [\"/opt/meshward/meshward\"]");
    assertThat(lines.stream().filter(line -> line.startsWith("FROM")).toList())
        .last()
        .asString()
        .contains("25-jre");
  }

  @Test
  void everySettingOfTheBrokerIsOneOfKafkas() throws IOException {
    for (String variable : names(service("kafka").get("environment"))) {
      String setting =
          variable.substring("KAFKA_".length()).toLowerCase(Locale.ROOT).replace('_', '.');

      assertThat(KafkaConfig.configDef().names()).as(variable).contains(setting);
    }
    assertThat(service("kafka").at("/environment/KAFKA_PROCESS_ROLES").textValue())
        .isEqualTo("broker,controller");
  }

  @ParameterizedTest
  @ValueSource(strings = {"server", "agent"})
  void spireUnderstandsItsConfiguration(String part) throws Exception {
    Optional<Path> binaries = RealSpire.binaries();
    assumeTrue(binaries.isPresent(), "no SPIRE is named by " + RealSpire.FOLDER_VARIABLE);
    Process process =
        new ProcessBuilder(
                binaries.get().resolve("spire-" + part).toString(),
                "validate",
                "-config",
                ROOT.resolve("deploy/compose/spire-" + part + ".conf").toString())
            .redirectErrorStream(true)
            .start();
    String answer = new String(process.getInputStream().readAllBytes(), UTF_8);

    assertThat(process.waitFor()).as(answer).isZero();
  }

  @Test
  void everyVolumeConfigAndSecretIsDeclared() throws IOException {
    JsonNode compose = compose();
    for (JsonNode service : compose.get("services")) {
      for (String volume : texts(service.path("volumes"))) {
        String source = volume.substring(0, volume.lastIndexOf(":/"));
        String name =
            source.startsWith("${") ? source.replaceAll("^\\$\\{.*:-(.*)}$", "$1") : source;
        assertThat(names(compose.get("volumes"))).contains(name);
      }
      for (String secret : texts(service.path("secrets"))) {
        assertThat(names(compose.get("secrets"))).contains(secret);
      }
      for (JsonNode config : service.path("configs")) {
        String file =
            compose.at("/configs/" + config.get("source").textValue() + "/file").textValue();
        assertThat(ROOT.resolve(file)).exists();
      }
    }
  }

  static Stream<String> ownServices() throws IOException {
    JsonNode services = compose().get("services");
    return names(services).stream()
        .filter(name -> merged(services.get(name)).path("image").asText().equals("meshward"));
  }

  private static List<String> profiles() throws IOException {
    return Stream.of(compose().get("services"))
        .flatMap(services -> names(services).stream().map(services::get))
        .flatMap(service -> texts(service.path("profiles")).stream())
        .distinct()
        .toList();
  }

  private static JsonNode service(String name) throws IOException {
    return merged(Optional.ofNullable(compose().get("services").get(name)).orElseThrow());
  }

  /**
   * YAML's merge key, which Jackson leaves to the reader: the named map's entries, unless
   * overridden.
   */
  private static JsonNode merged(JsonNode service) {
    if (!service.has("<<")) {
      return service;
    }
    var result = (ObjectNode) service.get("<<").deepCopy();
    result.setAll((ObjectNode) service);
    return result;
  }

  private static JsonNode compose() throws IOException {
    // Jackson keeps an alias as the anchor's name, so the one shared block is put in its place.
    var mapper = new YAMLMapper();
    var compose = (ObjectNode) mapper.readTree(ROOT.resolve("docker-compose.yml").toFile());
    JsonNode shared = compose.get("x-meshward");
    for (JsonNode service : compose.get("services")) {
      if (service.path("<<").asText().equals("meshward")) {
        ((ObjectNode) service).set("<<", shared);
      }
    }
    return compose;
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(item -> texts.add(item.asText()));
    return texts;
  }
}
