package io.meshward.foreign;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A topic as an AsyncAPI file describes it.
 *
 * @param address matches the names of the topic under any prefix; its one group is the prefix
 * @param tombstones whether values may be null, since the topic is compacted
 * @param payloads the schema of the values, by the name of the message, which is their {@code
 *     ce_type}
 * @param headers the schema of the headers, as an object of texts
 */
record Channel(
    String name,
    Pattern address,
    boolean tombstones,
    Map<String, Schema> payloads,
    Schema headers) {

  /** All channels of a file; its references to schemas are files beside it. */
  static List<Channel> read(Path asyncApi) throws IOException {
    JsonNode document = new YAMLMapper().readTree(asyncApi.toFile());
    SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    List<Channel> channels = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : document.path("channels").properties()) {
      JsonNode channel = entry.getValue();
      Map<String, Schema> payloads = new TreeMap<>();
      JsonNode headers = document;
      for (JsonNode reference : channel.path("messages")) {
        JsonNode message = at(document, reference.path("$ref").asText());
        Path schema =
            asyncApi.resolveSibling(message.path("payload").path("schema").path("$ref").asText());
        payloads.put(message.path("name").asText(), registry.getSchema(Files.readString(schema)));
        headers =
            at(document, message.path("traits").path(0).path("$ref").asText()).path("headers");
      }
      channels.add(
          new Channel(
              entry.getKey(),
              Pattern.compile(
                  Pattern.quote(channel.path("address").asText())
                      .replace("{prefix}", "\\E(.+)\\Q")),
              policies(channel).contains("compact"),
              payloads,
              registry.getSchema(headers.toString())));
    }
    return channels;
  }

  private static List<String> policies(JsonNode channel) {
    List<String> policies = new ArrayList<>();
    channel
        .at("/bindings/kafka/topicConfiguration/cleanup.policy")
        .forEach(policy -> policies.add(policy.asText()));
    return policies;
  }

  /** What a reference into the same document means. */
  private static JsonNode at(JsonNode document, String reference) {
    JsonNode found = document.at(reference.substring(1));
    if (found.isMissingNode()) {
      throw new IllegalArgumentException("nothing at " + reference);
    }
    return found;
  }
}
