package io.meshward.schemas;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Derives the page on event fields from the schemas, which are derived from the records. */
final class EventReference {
  private static final String DEFINITIONS = "#/$defs/";

  private final StringBuilder page = new StringBuilder();

  private EventReference() {}

  static String page(Javadoc javadoc) {
    EventReference reference = new EventReference();
    reference.page.append(
        """
        # Event fields

        What travels on Meshward's topics, by kind: fields by their path, as rules name them. This page is derived from the records in
        `schemas`; so are the JSON Schemas in `schemas/src/main/resources/io/meshward/schemas/json/` and `schemas/asyncapi.yaml`.

        Each event is a record with CloudEvents attributes as headers: `ce_id`, `ce_type`, `ce_source` (who reports), `ce_subject`, `ce_time`,
        `traceparent`, and `ce_signature` where the reporter signed it. Its value is JSON. Fields marked with * are always there.

        """);
    for (EventType type : EventType.values()) {
      ObjectNode schema = SchemaGenerator.schema(type, javadoc);
      reference.section("## " + type.kind(), schema);
      reference.page.append("Type `").append(type.cloudEventType()).append("`; ");
      reference.page.append(topics(type)).append(".\n\n");
      if (schema.has("oneOf")) {
        for (JsonNode alternative : schema.path("oneOf")) {
          reference.page.append("Where `fact` is `");
          reference.page.append(alternative.path("properties").path("fact").path("const").asText());
          reference.page.append("`:\n\n");
          reference.table(schema, alternative);
        }
      } else {
        reference.table(schema, schema);
      }
    }
    ObjectNode signature =
        SchemaGenerator.schema("event.signature", "", EventSignature.class, javadoc);
    reference.section("## ce_signature", signature);
    reference.table(signature, signature);
    reference.page.append(
        """
        What is signed is, in ASCII, the hexadecimal digits of the SHA-256 of `ce_type`, `ce_id`, `ce_source`, `ce_time`, `ce_subject` and the
        value, each preceded by its length in four bytes (big-endian; -1 for an absent subject). The signing input is then
        `BASE64URL(header).BASE64URL(content)`, as for any JSON Web Signature. `io.meshward.runtime.SignedEvents` verifies it. Handshakes,
        refusals, lifecycle events and enforcement reports are signed while their reporter has an SVID; plain allows are not. Detection
        verifies those that match a rule: what a signature proved stands in `evidence[].signature`, and the least of it in
        `detection.signature`.
        """);
    return reference.page.toString();
  }

  private static String topics(EventType type) {
    List<String> names =
        TopicCatalogue.all().stream()
            .filter(topic -> topic.values().contains(type))
            .map(topic -> "`" + topic.name() + "`")
            .toList();
    return (names.size() == 1 ? "topic " : "topics ") + String.join(", ", names);
  }

  private void section(String title, JsonNode schema) {
    page.append(title).append("\n");
    String description = schema.path("description").asText();
    if (!description.isEmpty()) {
      page.append(escaped(description)).append("\n");
    }
    page.append("\n");
  }

  private void table(ObjectNode root, JsonNode schema) {
    page.append("| field | type | what it is |\n|---|---|---|\n");
    rows(root, schema, "", new LinkedHashSet<>());
    page.append("\n");
  }

  private void rows(ObjectNode root, JsonNode schema, String prefix, Set<String> within) {
    Set<String> required = new LinkedHashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    for (Map.Entry<String, JsonNode> field : schema.path("properties").properties()) {
      JsonNode property = field.getValue();
      String path = prefix + field.getKey();
      String reference = reference(property);
      JsonNode definition = root.path("$defs").path(reference);
      String description = property.path("description").asText();
      if (description.isEmpty()) {
        description = definition.path("description").asText();
      }
      page.append("| `").append(path).append('`');
      page.append(required.contains(field.getKey()) ? "*" : "").append(" | ");
      page.append(type(property, definition)).append(" | ").append(escaped(description));
      page.append(" |\n");
      // A record may hold records of its own kind.
      if (!reference.isEmpty() && within.add(reference)) {
        boolean array = property.path("type").asText().equals("array");
        rows(root, definition, path + (array ? "[]." : "."), within);
        within.remove(reference);
      }
    }
  }

  private static String reference(JsonNode property) {
    String reference = property.path("$ref").asText(property.path("items").path("$ref").asText());
    return reference.startsWith(DEFINITIONS) ? reference.substring(DEFINITIONS.length()) : "";
  }

  private static String type(JsonNode property, JsonNode definition) {
    if (property.has("const")) {
      return "`" + property.path("const").asText() + "`";
    }
    if (property.has("enum")) {
      List<String> values = new ArrayList<>();
      property.path("enum").forEach(value -> values.add("`" + value.asText() + "`"));
      return String.join(" ", values);
    }
    return switch (property.path("type").asText()) {
      case "array" -> "list of " + type(property.path("items"), definition);
      case "string" -> text(property);
      case "object" ->
          property.has("additionalProperties")
              ? "map to " + type(property.path("additionalProperties"), definition)
              : "object";
      case "" -> definition.isMissingNode() ? "any" : "object";
      case String other -> other;
    };
  }

  private static String text(JsonNode property) {
    if (property.has("format")) {
      return "time";
    }
    if (property.path("contentEncoding").asText().equals("base64")) {
      return "base64";
    }
    String pattern = property.path("pattern").asText();
    return pattern.startsWith("^spiffe://")
        ? "SPIFFE ID"
        : pattern.isEmpty() ? "text" : "trust domain";
  }

  private static String escaped(String text) {
    return text.lines().map(line -> line.replace("|", "\\|")).collect(Collectors.joining(" "));
  }
}
