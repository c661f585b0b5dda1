package io.meshward.rules;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads one field of a catalogue's JSON-like form. */
final class FieldForm {

  private static final Set<String> KEYS = Set.of("type", "list", "argument", "argument-kind");

  private FieldForm() {}

  static FieldDefinition read(String name, @Nullable Object properties) {
    if (!(properties instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException("field '" + name + "': expected an object");
    }
    for (Object key : map.keySet()) {
      if (!KEYS.contains(key)) {
        throw new IllegalArgumentException(
            "field '" + name + "': unknown property '" + key + "', expected one of " + KEYS);
      }
    }
    FieldType type =
        FieldType.named(String.valueOf(map.get("type")))
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "field '" + name + "': unknown type '" + map.get("type") + "'"));
    return new FieldDefinition(
        name, type, Boolean.TRUE.equals(map.get("list")), argument(name, map));
  }

  private static FieldArgument argument(String name, Map<?, ?> map) {
    boolean index = "index".equals(map.get("argument-kind"));
    Object argument = map.get("argument");
    return switch (argument == null ? "none" : argument.toString()) {
      case "none" -> FieldArgument.NONE;
      case "allowed" -> index ? FieldArgument.INDEX_ALLOWED : FieldArgument.KEY_ALLOWED;
      case "required" -> index ? FieldArgument.INDEX_REQUIRED : FieldArgument.KEY_REQUIRED;
      default ->
          throw new IllegalArgumentException(
              "field '"
                  + name
                  + "': argument is '"
                  + argument
                  + "', expected none, allowed or required");
    };
  }
}
