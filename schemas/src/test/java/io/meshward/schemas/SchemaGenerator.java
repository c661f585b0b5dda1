package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Derives the JSON Schema (2020-12) of an event from its record and the record's Javadoc. */
final class SchemaGenerator {
  private static final PropertyNamingStrategies.NamingBase NAMES =
      new PropertyNamingStrategies.SnakeCaseStrategy();

  private final Javadoc javadoc;
  private final ObjectNode definitions = EventCodec.object();

  private SchemaGenerator(Javadoc javadoc) {
    this.javadoc = javadoc;
  }

  static ObjectNode schema(EventType type, Javadoc javadoc) {
    return schema(type.kind(), type.cloudEventType(), type.eventClass(), javadoc);
  }

  static ObjectNode schema(String name, String title, Class<?> type, Javadoc javadoc) {
    SchemaGenerator generator = new SchemaGenerator(javadoc);
    ObjectNode schema = EventCodec.object();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.put("$id", "urn:meshward:" + name + ":v1");
    schema.put("title", title);
    schema.setAll(generator.typeSchema(type));
    if (!generator.definitions.isEmpty()) {
      schema.set("$defs", generator.definitions);
    }
    return schema;
  }

  private ObjectNode typeSchema(Class<?> type) {
    JsonSubTypes subTypes = type.getAnnotation(JsonSubTypes.class);
    if (subTypes == null) {
      return recordSchema(type);
    }
    ObjectNode union = EventCodec.object();
    javadoc.sentence(type).ifPresent(text -> union.put("description", text));
    ArrayNode alternatives = union.putArray("oneOf");
    for (JsonSubTypes.Type subType : subTypes.value()) {
      ObjectNode alternative = recordSchema(subType.value());
      ((ObjectNode) alternative.get("properties")).putObject("fact").put("const", subType.name());
      ((ArrayNode) alternative.get("required")).add("fact");
      alternatives.add(alternative);
    }
    return union;
  }

  private ObjectNode recordSchema(Class<?> type) {
    ObjectNode schema = EventCodec.object();
    javadoc.sentence(type).ifPresent(text -> schema.put("description", text));
    schema.put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = schema.putArray("required");
    for (RecordComponent component : type.getRecordComponents()) {
      if (component.getAccessor().isAnnotationPresent(JsonAnySetter.class)
          || component.isAnnotationPresent(JsonAnySetter.class)) {
        continue;
      }
      String name = NAMES.translate(component.getName());
      ObjectNode property = valueSchema(component.getGenericType());
      javadoc
          .parameter(type, component.getName())
          .ifPresent(text -> property.put("description", text));
      properties.set(name, property);
      if (!component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
        required.add(name);
      }
    }
    return schema;
  }

  private ObjectNode valueSchema(Type type) {
    ObjectNode schema = EventCodec.object();
    if (type instanceof ParameterizedType parameterized) {
      Type[] arguments = parameterized.getActualTypeArguments();
      if (parameterized.getRawType() == List.class) {
        schema.put("type", "array").set("items", valueSchema(arguments[0]));
      } else if (parameterized.getRawType() == Map.class) {
        schema.put("type", "object").set("additionalProperties", valueSchema(arguments[1]));
      } else {
        throw new IllegalStateException("no JSON Schema for " + type);
      }
      return schema;
    }
    Class<?> plain = (Class<?>) type;
    if (plain == String.class) {
      return schema.put("type", "string");
    } else if (plain == boolean.class || plain == Boolean.class) {
      return schema.put("type", "boolean");
    } else if (plain == int.class || plain == Integer.class) {
      return schema
          .put("type", "integer")
          .put("minimum", Integer.MIN_VALUE)
          .put("maximum", Integer.MAX_VALUE);
    } else if (plain == long.class || plain == Long.class) {
      return schema
          .put("type", "integer")
          .put("minimum", Long.MIN_VALUE)
          .put("maximum", Long.MAX_VALUE);
    } else if (plain == double.class || plain == Double.class) {
      return schema.put("type", "number");
    } else if (plain == Instant.class) {
      return schema.put("type", "string").put("format", "date-time").put("pattern", "Z$");
    } else if (plain == SpiffeId.class) {
      return schema
          .put("type", "string")
          .put("maxLength", SpiffeId.MAX_BYTES)
          .put("pattern", "^spiffe://[a-z0-9._-]{1,255}(/[a-zA-Z0-9._-]+)*$");
    } else if (plain == TrustDomain.class) {
      return schema.put("type", "string").put("pattern", "^[a-z0-9._-]{1,255}$");
    } else if (plain == byte[].class) {
      return schema.put("type", "string").put("contentEncoding", "base64");
    } else if (plain == ObjectNode.class) {
      return schema.put("type", "object");
    } else if (plain == JsonNode.class) {
      return schema;
    } else if (plain.isEnum()) {
      ArrayNode values = schema.put("type", "string").putArray("enum");
      for (Object constant : plain.getEnumConstants()) {
        values.add(EventCodec.toTree(constant));
      }
      return schema;
    } else if (plain.isRecord()) {
      String name = definitionName(plain);
      if (!definitions.has(name)) {
        definitions.putObject(name);
        definitions.set(name, recordSchema(plain));
      }
      return schema.put("$ref", "#/$defs/" + name);
    }
    throw new IllegalStateException("no JSON Schema for " + type);
  }

  private static String definitionName(Class<?> type) {
    Class<?> enclosing = type.getEnclosingClass();
    return (enclosing == null ? "" : enclosing.getSimpleName()) + type.getSimpleName();
  }
}
