package io.meshward.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Holds records, JSON Schemas, samples and the AsyncAPI file together. The files are derived from
 * the records and their Javadoc: {@code -Dmeshward.schemas.write=true} writes them anew.
 */
class SchemaFilesTest {
  private static final Path RESOURCES = Path.of("src/main/resources/io/meshward/schemas");
  private static final Javadoc JAVADOC = new Javadoc(Path.of("src/main/java"));
  private static final boolean WRITE = Boolean.getBoolean("meshward.schemas.write");
  private static final JsonMapper PRETTY =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  @ParameterizedTest
  @EnumSource
  void theSchemaFileSaysWhatTheRecordSays(EventType type) throws IOException {
    String expected = pretty(SchemaGenerator.schema(type, JAVADOC));
    Path file = RESOURCES.resolve("json/" + type.kind() + ".schema.json");

    assertFile(file, expected);
  }

  @Test
  void theSchemaFileOfASignaturesHeaderSaysWhatTheRecordSays() throws IOException {
    Path file = RESOURCES.resolve("json/event.signature.schema.json");
    assertFile(
        file,
        pretty(
            SchemaGenerator.schema(
                "event.signature", "header of ce_signature", EventSignature.class, JAVADOC)));

    JsonNode header =
        EventCodec.toTree(
            new EventSignature("ES256", EventSignature.TYPE, 1_790_000_000L, List.of("MIIB")));
    assertThat(
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(Files.readString(file))
                .validate(header.toString(), InputFormat.JSON))
        .isEmpty();
  }

  @Test
  void theEventReferenceSaysWhatTheRecordsSay() throws IOException {
    assertFile(Path.of("../docs/events.md"), EventReference.page(JAVADOC));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void theSampleIsValidAndIsReadAndWrittenUnchanged(String name, Event event) throws IOException {
    Path file = RESOURCES.resolve("samples/" + name + ".json");
    assertFile(file, pretty(EventCodec.readTree(EventCodec.encode(event))));
    byte[] json = Files.readAllBytes(file);
    EventType type = EventType.of(event);

    assertThat(schema(type).validate(Files.readString(file), InputFormat.JSON)).isEmpty();
    assertThat(EventCodec.decode(json, type.eventClass())).isEqualTo(event);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void withoutAnyRequiredFieldBothTheSchemaAndTheCodecRefuseASample(String name, Event event)
      throws IOException {
    EventType type = EventType.of(event);
    ObjectNode json = (ObjectNode) EventCodec.readTree(EventCodec.encode(event));

    for (Map.Entry<String, JsonNode> field : json.deepCopy().properties()) {
      if (isRequired(type, event, field.getKey())) {
        ObjectNode without = json.deepCopy();
        without.remove(field.getKey());

        assertThat(schema(type).validate(without.toString(), InputFormat.JSON))
            .as(name + " without " + field.getKey())
            .isNotEmpty();
        assertThat(
                catchThrowable(
                    () -> EventCodec.decode(EventCodec.encodeValue(without), type.eventClass())))
            .as(name + " without " + field.getKey())
            .isInstanceOf(MalformedEventException.class);
      }
    }
  }

  @Test
  void everyKindHasASampleAndATopic() {
    assertThat(Samples.all().values().stream().map(EventType::of)).contains(EventType.values());
    assertThat(TopicCatalogue.all().stream().flatMap(topic -> topic.values().stream()))
        .contains(EventType.values());
  }

  @Test
  void theAsyncApiFileSaysWhatTheCatalogueSays() throws IOException {
    assertFile(Path.of("asyncapi.yaml"), AsyncApi.yaml());
  }

  static Stream<Arguments> samples() {
    return Samples.all().entrySet().stream()
        .map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
  }

  private static boolean isRequired(EventType type, Event event, String field) {
    ObjectNode schema = SchemaGenerator.schema(type, JAVADOC);
    JsonNode required = schema.path("required");
    if (schema.has("oneOf")) {
      int index = event instanceof Fact.Match ? 0 : 1;
      required = schema.path("oneOf").path(index).path("required");
    }
    for (JsonNode name : required) {
      if (name.textValue().equals(field)) {
        return true;
      }
    }
    return false;
  }

  private static Schema schema(EventType type) throws IOException {
    return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
        .getSchema(Files.readString(RESOURCES.resolve("json/" + type.kind() + ".schema.json")));
  }

  private static void assertFile(Path file, String expected) throws IOException {
    if (WRITE) {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, expected);
    }
    assertThat(file).exists();
    assertThat(Files.readString(file))
        .as(file + " (write it anew with -Dmeshward.schemas.write=true)")
        .isEqualTo(expected);
  }

  private static String pretty(JsonNode json) throws IOException {
    return PRETTY.writeValueAsString(json) + "\n";
  }
}
