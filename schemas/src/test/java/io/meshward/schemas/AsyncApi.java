package io.meshward.schemas;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.time.Duration;
import java.util.List;

/** Derives the AsyncAPI 3 document from the topic catalogue. */
final class AsyncApi {
  private AsyncApi() {}

  static String yaml() throws JsonProcessingException {
    YAMLMapper yaml =
        YAMLMapper.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .build();
    return yaml.writeValueAsString(document());
  }

  private static ObjectNode document() {
    ObjectNode document = EventCodec.object();
    document.put("asyncapi", "3.0.0");
    document
        .putObject("info")
        .put("title", "Meshward")
        .put("version", "1.0.0")
        .put(
            "description",
            "The topics of Meshward. Values are CloudEvents in binary mode: context attributes are"
                + " ce_ headers, the value is JSON.");
    document.put("defaultContentType", "application/json");
    ObjectNode channels = document.putObject("channels");
    ObjectNode operations = document.putObject("operations");
    for (Topic topic : TopicCatalogue.all()) {
      channels.set(topic.name(), channel(topic));
      addOperations(operations, topic, "send", topic.writers());
      addOperations(operations, topic, "receive", topic.readers());
    }
    ObjectNode components = document.putObject("components");
    ObjectNode messages = components.putObject("messages");
    for (EventType type : EventType.values()) {
      messages.set(type.kind(), message(type));
    }
    components.putObject("messageTraits").set("cloudevent", cloudEventTrait());
    return document;
  }

  private static ObjectNode channel(Topic topic) {
    ObjectNode channel = EventCodec.object();
    channel.put("address", "{prefix}." + topic.name());
    channel
        .putObject("parameters")
        .putObject("prefix")
        .put("default", TopicCatalogue.DEFAULT_PREFIX)
        .put("description", "What the names of one installation start with.");
    ObjectNode messages = channel.putObject("messages");
    topic
        .values()
        .forEach(
            type ->
                messages
                    .putObject(type.kind())
                    .put("$ref", "#/components/messages/" + type.kind()));
    ObjectNode kafka = channel.putObject("bindings").putObject("kafka");
    kafka.put("partitions", topic.partitions());
    ObjectNode configuration = kafka.putObject("topicConfiguration");
    configuration.putArray("cleanup.policy").add(topic.compacted() ? "compact" : "delete");
    Duration retention = topic.retention();
    if (retention != null) {
      configuration.put("retention.ms", retention.toMillis());
    }
    if (topic.retentionBytes() != null) {
      configuration.put("retention.bytes", topic.retentionBytes());
    }
    configuration.put("max.message.bytes", topic.maxMessageBytes());
    kafka.put("bindingVersion", "0.5.0");
    channel.put("description", "Key: " + topic.key() + ".");
    return channel;
  }

  private static void addOperations(
      ObjectNode operations, Topic topic, String action, List<Topic.Role> roles) {
    for (Topic.Role role : roles) {
      ObjectNode operation = operations.putObject(role.label() + "." + action + "." + topic.name());
      operation.put("action", action);
      operation.putObject("channel").put("$ref", "#/channels/" + topic.name());
      ArrayNode messages = operation.putArray("messages");
      topic
          .values()
          .forEach(
              type ->
                  messages
                      .addObject()
                      .put("$ref", "#/channels/" + topic.name() + "/messages/" + type.kind()));
    }
  }

  private static ObjectNode message(EventType type) {
    ObjectNode message = EventCodec.object();
    message.put("name", type.cloudEventType());
    message.putArray("traits").addObject().put("$ref", "#/components/messageTraits/cloudevent");
    ObjectNode payload = message.putObject("payload");
    payload.put("schemaFormat", "application/schema+json;version=draft-2020-12");
    payload
        .putObject("schema")
        .put("$ref", "src/main/resources/io/meshward/schemas/json/" + type.kind() + ".schema.json");
    return message;
  }

  private static ObjectNode cloudEventTrait() {
    ObjectNode trait = EventCodec.object();
    ObjectNode headers = trait.putObject("headers");
    headers.put("type", "object");
    ObjectNode properties = headers.putObject("properties");
    for (String name :
        List.of(
            "ce_specversion",
            CloudEvents.ID,
            CloudEvents.TYPE,
            CloudEvents.SOURCE,
            CloudEvents.TIME,
            "content-type")) {
      properties.putObject(name).put("type", "string");
    }
    ArrayNode required = headers.putArray("required");
    properties.fieldNames().forEachRemaining(required::add);
    properties.putObject(CloudEvents.SUBJECT).put("type", "string");
    properties.putObject("traceparent").put("type", "string");
    properties
        .putObject(CloudEvents.SIGNATURE)
        .put("type", "string")
        .put(
            "description",
            "The reporter's signature, as"
                + " src/main/resources/io/meshward/schemas/json/event.signature.schema.json says.");
    return trait;
  }
}
