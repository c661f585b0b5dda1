package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.meshward.embedded.SchemaType.Field;
import io.meshward.embedded.SchemaType.ListOf;
import io.meshward.embedded.SchemaType.MapOf;
import io.meshward.embedded.SchemaType.Scalar;
import io.meshward.embedded.SchemaType.Struct;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON as the typed object that the server would keep: nulls and empty collections vanish,
 * objects that are always written appear, fields that the kind does not have are dropped and
 * reported, and a value of the wrong type is an error.
 */
final class ObjectDecoder {

  /** A value of the wrong type; the message is the real decoder's. */
  static final class TypeMismatch extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String explanation;

    TypeMismatch(String explanation) {
      super(explanation);
      this.explanation = explanation;
    }

    String explanation() {
      return explanation;
    }
  }

  private static final Pattern MICROSECONDS =
      Pattern.compile("[^.]*T\\d\\d:\\d\\d:\\d\\d\\.\\d{6}(Z|[-+]\\d\\d:\\d\\d)");

  private final List<String> unknownFields = new ArrayList<>();

  private ObjectDecoder() {}

  /**
   * A decoded object.
   *
   * @param unknownFields paths of the fields that were dropped
   */
  record Decoded(ObjectNode object, List<String> unknownFields) {}

  /**
   * Decodes an object of that type.
   *
   * @throws TypeMismatch if a value does not fit its field
   */
  static Decoded decode(ObjectNode raw, Struct type) {
    ObjectDecoder decoder = new ObjectDecoder();
    ObjectNode object = decoder.struct(raw, type, "", "");
    return new Decoded(object, List.copyOf(decoder.unknownFields));
  }

  private ObjectNode struct(ObjectNode raw, Struct type, String path, String goPath) {
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    Map<String, JsonNode> sorted = new TreeMap<>();
    raw.properties().forEach(e -> sorted.put(e.getKey(), e.getValue()));
    sorted.forEach(
        (name, value) -> {
          Field field = type.fields().get(name);
          String fieldPath = path.isEmpty() ? name : path + "." + name;
          if (field == null) {
            unknownFields.add(fieldPath);
            return;
          }
          String fieldGoPath = goPath.isEmpty() ? name : goPath + "." + name;
          JsonNode decoded =
              value.isNull()
                  ? null
                  : value(value, field.type(), fieldPath, fieldGoPath, type.name());
          if (decoded != null && (field.required() || !isOmitted(decoded, field))) {
            result.set(name, decoded);
          }
        });
    type.fields()
        .forEach(
            (name, field) -> {
              if (result.has(name)) {
                return;
              }
              if (field.embedded() && field.type() instanceof Struct inner) {
                result.set(name, struct(JsonNodeFactory.instance.objectNode(), inner, "", ""));
              } else if (field.required()) {
                setZero(result, name, field.type());
              }
            });
    return result;
  }

  private static void setZero(ObjectNode object, String field, SchemaType type) {
    if (type == Scalar.STRING) {
      object.put(field, "");
    } else if (type == Scalar.BOOLEAN) {
      object.put(field, false);
    } else if (type == Scalar.INT32 || type == Scalar.INT64) {
      object.put(field, 0L);
    }
  }

  /** Empty text and empty collections are as good as absent, and zero in some fields. */
  private static boolean isOmitted(JsonNode node, Field field) {
    return switch (field.type()) {
      case Struct ignored -> false;
      case MapOf ignored -> node.isEmpty();
      case ListOf ignored -> node.isEmpty();
      case Scalar scalar ->
          field.omitsZero()
              ? node.asLong() == 0 && !node.asBoolean()
              : scalar == Scalar.STRING && node.textValue().isEmpty();
    };
  }

  private @Nullable JsonNode value(
      JsonNode raw, SchemaType type, String path, String goPath, String owner) {
    return switch (type) {
      case Struct struct -> {
        if (!(raw instanceof ObjectNode object)) {
          throw mismatch(raw, owner, goPath, "v1." + struct.name());
        }
        yield struct(object, struct, path, goPath);
      }
      case MapOf map -> {
        if (!(raw instanceof ObjectNode object)) {
          throw mismatch(raw, owner, goPath, "map[string]" + goName(map.values()));
        }
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        object
            .properties()
            .forEach(
                e -> {
                  JsonNode inner =
                      e.getValue().isNull()
                          ? TextNode.valueOf("")
                          : value(
                              e.getValue(), map.values(), path + "." + e.getKey(), goPath, owner);
                  if (inner != null) {
                    result.set(e.getKey(), inner);
                  }
                });
        yield result;
      }
      case ListOf list -> {
        if (!(raw instanceof ArrayNode array)) {
          throw mismatch(raw, owner, goPath, "[]" + goName(list.items()));
        }
        ArrayNode result = JsonNodeFactory.instance.arrayNode();
        int index = 0;
        for (JsonNode item : array) {
          JsonNode decoded =
              item.isNull() && list.items() instanceof Struct struct
                  ? struct(JsonNodeFactory.instance.objectNode(), struct, path, goPath)
                  : value(item, list.items(), path + "[" + index + "]", goPath, owner);
          if (decoded != null) {
            result.add(decoded);
          }
          index++;
        }
        yield result;
      }
      case Scalar scalar -> scalar(raw, scalar, goPath, owner);
    };
  }

  private static @Nullable JsonNode scalar(
      JsonNode raw, Scalar scalar, String goPath, String owner) {
    return switch (scalar) {
      case STRING -> {
        if (!raw.isTextual()) {
          throw mismatch(raw, owner, goPath, scalar.goName());
        }
        yield raw;
      }
      case BOOLEAN -> {
        if (!raw.isBoolean()) {
          throw mismatch(raw, owner, goPath, scalar.goName());
        }
        yield raw;
      }
      case INT32, INT64 -> integer(raw, scalar, goPath, owner);
      case NUMBER -> {
        if (!raw.isNumber()) {
          throw mismatch(raw, owner, goPath, scalar.goName());
        }
        yield raw;
      }
      case QUANTITY -> {
        if (!raw.isTextual() && !raw.isNumber()) {
          throw new TypeMismatch(
              "quantities must match the regular expression"
                  + " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        }
        yield TextNode.valueOf(raw.asText());
      }
      case INT_OR_STRING -> {
        if (raw.isTextual()) {
          yield raw;
        }
        yield integer(raw, Scalar.INT32, goPath, owner);
      }
      case TIME, MICRO_TIME -> {
        if (!raw.isTextual()) {
          throw mismatch(raw, owner, goPath, "string");
        }
        checkTime(raw.textValue(), scalar);
        yield raw;
      }
      case ANY -> raw;
    };
  }

  private static void checkTime(String text, Scalar scalar) {
    String layout =
        scalar == Scalar.TIME ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
    boolean parses = scalar == Scalar.TIME || MICROSECONDS.matcher(text).matches();
    try {
      OffsetDateTime.parse(text);
    } catch (DateTimeException e) {
      parses = false;
    }
    if (!parses) {
      throw new TypeMismatch(
          "parsing time \"" + text + "\" as \"" + layout + "\": cannot parse \"" + text + '"');
    }
  }

  private static JsonNode integer(JsonNode raw, Scalar scalar, String goPath, String owner) {
    if (!raw.isIntegralNumber()) {
      throw mismatch(raw, owner, goPath, scalar.goName());
    }
    BigInteger value = raw.bigIntegerValue();
    if (value.bitLength() > (scalar == Scalar.INT32 ? 31 : 63)) {
      throw new TypeMismatch(
          "json: cannot unmarshal number "
              + value
              + " into Go struct field "
              + owner
              + "."
              + goPath
              + " of type "
              + scalar.goName());
    }
    return LongNode.valueOf(value.longValue());
  }

  private static String goName(SchemaType type) {
    return switch (type) {
      case Scalar scalar -> scalar.goName();
      case Struct struct -> "v1." + struct.name();
      case MapOf map -> "map[string]" + goName(map.values());
      case ListOf list -> "[]" + goName(list.items());
    };
  }

  private static TypeMismatch mismatch(JsonNode raw, String owner, String goPath, String goType) {
    String found =
        switch (raw.getNodeType()) {
          case OBJECT, POJO -> "object";
          case ARRAY -> "array";
          case STRING, BINARY -> "string";
          case BOOLEAN -> "bool";
          case NUMBER -> raw.isIntegralNumber() ? "number" : "number " + raw.asText();
          case NULL, MISSING -> "null";
        };
    return new TypeMismatch(
        "json: cannot unmarshal "
            + found
            + " into Go struct field "
            + owner
            + "."
            + goPath
            + " of type "
            + goType);
  }
}
