package io.meshward.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An event as people write it: a member is a field, with its argument where it has one ({@code
 * "proc.aname[2]"}), or nested objects are the field's path. Immutable.
 */
record JsonEvent(ObjectNode event) implements FieldSource {

  @Override
  public @Nullable Object value(FieldReference field) {
    JsonNode value = event.get(field.toString());
    if (value == null && field.argument().isEmpty()) {
      value = nested(field.path());
    }
    return value == null ? null : value(value);
  }

  private @Nullable JsonNode nested(List<String> path) {
    JsonNode node = event;
    for (String part : path) {
      node = node == null ? null : node.get(part);
    }
    return node;
  }

  private static @Nullable Object value(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> node.textValue();
      case NUMBER -> node.numberValue();
      case BOOLEAN -> node.booleanValue();
      case ARRAY -> {
        List<@Nullable Object> elements = new ArrayList<>();
        node.forEach(element -> elements.add(value(element)));
        yield elements;
      }
      case NULL, MISSING, OBJECT, BINARY, POJO -> null;
    };
  }
}
