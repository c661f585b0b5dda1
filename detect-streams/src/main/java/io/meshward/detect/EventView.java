package io.meshward.detect;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldSource;
import io.meshward.rules.FieldType;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One event as conditions and outputs see it. A field is its path in the event's JSON; for Falco's
 * alerts also the name of an output field. The JSON is parsed and the inventory asked when the
 * first field needs it. Used by one thread.
 */
final class EventView implements FieldSource {
  /** What stands in alerts where there is no value. */
  private static final String NOT_AVAILABLE = "<NA>";

  static final String OUTPUT_FIELD = "falco.field";
  private static final String FALCO_PREFIX = "falco.";
  private static final String EVENT_PREFIX = "event.";

  private final CloudEvents.Attributes attributes;
  private final Lazy<JsonNode> tree;
  private final Lazy<Surroundings> surroundings;

  /**
   * @param lookup asks the inventory about the parsed event
   */
  EventView(
      CloudEvents.Attributes attributes, byte[] json, Function<JsonNode, Surroundings> lookup) {
    this.attributes = attributes;
    this.tree = new Lazy<>(() -> EventCodec.readTree(json, attributes.type()));
    this.surroundings = new Lazy<>(() -> lookup.apply(tree()));
  }

  EventType type() {
    return attributes.type();
  }

  /**
   * The event's JSON.
   *
   * @throws io.meshward.schemas.MalformedEventException if it is no JSON object, or none of its
   *     kind
   */
  JsonNode tree() {
    return tree.get();
  }

  Surroundings surroundings() {
    return surroundings.get();
  }

  @Override
  public @Nullable Object value(FieldReference field) {
    EnrichedField enriched = EnrichedField.named(field.name());
    if (enriched != null) {
      return enriched.value().apply(surroundings(), field.argument());
    }
    if (field.name().startsWith(EVENT_PREFIX)) {
      return attribute(field.name());
    }
    if (attributes.type() == EventType.FALCO_ALERT) {
      return typed(alertNode(field), field);
    }
    if (field.name().equals(FieldCatalogues.PEER_NETWORK)) {
      return typed(tree().path("peer").path("ip"), field);
    }
    return typed(at(tree(), field.path()), field);
  }

  private @Nullable Object attribute(String name) {
    return switch (name) {
      case FieldCatalogues.EVENT_KIND -> attributes.type().kind();
      case FieldCatalogues.EVENT_SOURCE -> attributes.source();
      case FieldCatalogues.EVENT_TIME -> nanoseconds(attributes.time());
      default -> null;
    };
  }

  private JsonNode alertNode(FieldReference field) {
    JsonNode outputFields = tree().path("output_fields");
    if (field.name().equals(OUTPUT_FIELD)) {
      return outputFields.path(field.argument().orElse(""));
    }
    if (field.name().startsWith(FALCO_PREFIX)) {
      return at(tree(), field.path());
    }
    JsonNode own = outputFields.path(alertKey(field));
    return own.isMissingNode() || own.isNull() ? at(tree(), field.path()) : own;
  }

  private static String alertKey(FieldReference field) {
    return field
        .argument()
        .map(argument -> field.name() + "[" + argument + "]")
        .orElse(field.name());
  }

  private static JsonNode at(JsonNode root, List<String> path) {
    JsonNode node = root;
    for (String step : path) {
      node = node.path(step);
    }
    return node;
  }

  private static @Nullable Object typed(JsonNode node, FieldReference field) {
    Object value = value(node);
    return field.type() == FieldType.ABSOLUTE_TIME && value instanceof String text
        ? nanoseconds(text)
        : value;
  }

  /** A JSON value as the rule language takes it; an object is none. */
  static @Nullable Object value(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> NOT_AVAILABLE.equals(node.textValue()) ? null : node.textValue();
      case NUMBER ->
          node.isIntegralNumber()
              ? (node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue())
              : (Object) node.doubleValue();
      case BOOLEAN -> node.booleanValue();
      case ARRAY -> {
        List<Object> elements = new ArrayList<>(node.size());
        for (JsonNode element : node) {
          Object value = value(element);
          if (value != null) {
            elements.add(value);
          }
        }
        yield elements;
      }
      case NULL, MISSING, OBJECT, BINARY, POJO -> null;
    };
  }

  private static @Nullable Object nanoseconds(String text) {
    try {
      return nanoseconds(Instant.parse(text));
    } catch (DateTimeParseException e) {
      return text;
    }
  }

  private static long nanoseconds(Instant time) {
    return time.getEpochSecond() * 1_000_000_000L + time.getNano();
  }
}
