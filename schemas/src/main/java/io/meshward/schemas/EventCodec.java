package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.AnnotationIntrospector;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The one JSON codec of Meshward.
 *
 * <p>Integers are exact to 64 bits and beyond, decimals keep their digits, a duplicate key is
 * refused, and so is a document that is larger than {@value #MAX_DOCUMENT_BYTES} bytes, nests
 * deeper than {@value #MAX_DEPTH} or goes on after its end. Unknown fields are kept where the
 * record has a place for them and ignored elsewhere, so that an older reader understands a newer
 * writer. Enum values are written in lower case; times are RFC 3339 in UTC. Thread-safe.
 */
public final class EventCodec {
  /** The largest document that is read, in bytes. */
  public static final int MAX_DOCUMENT_BYTES = 1024 * 1024;

  /** The deepest nesting that is read. */
  public static final int MAX_DEPTH = 64;

  private static final JsonMapper MAPPER = mapper();

  private static final ClassValue<List<String>> REQUIRED =
      new ClassValue<>() {
        @Override
        protected List<String> computeValue(Class<?> type) {
          return RecordNullness.requiredMembers(type);
        }
      };

  private EventCodec() {}

  private static JsonMapper mapper() {
    JsonMapper mapper =
        JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .annotationIntrospector(
                AnnotationIntrospector.pair(
                    new JacksonAnnotationIntrospector(), new RecordNullness()))
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .defaultPropertyInclusion(
                JsonInclude.Value.construct(
                    JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .build();
    mapper
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder()
                .maxDocumentLength(MAX_DOCUMENT_BYTES)
                .maxNestingDepth(MAX_DEPTH)
                .maxStringLength(MAX_DOCUMENT_BYTES)
                .maxNameLength(4096)
                .maxNumberLength(100)
                .build());
    return mapper;
  }

  /** The JSON of an event, in UTF-8. */
  public static byte[] encode(Event event) {
    try {
      return MAPPER.writerFor(EventType.of(event).eventClass()).writeValueAsBytes(event);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write " + EventType.of(event).kind() + " as JSON", e);
    }
  }

  /** The JSON of any value that consists of records, in UTF-8: what is signed or hashed. */
  public static byte[] encodeValue(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(
          "cannot write " + value.getClass().getSimpleName() + " as JSON", e);
    }
  }

  /**
   * Reads an event of a known kind.
   *
   * @throws MalformedEventException naming the kind, the field and what is wrong with it
   */
  public static <E extends Event> E decode(byte[] json, Class<E> eventClass) {
    return decodeValue(json, eventClass);
  }

  /**
   * Reads a value that consists of records.
   *
   * @throws MalformedEventException naming the field and what is wrong with it
   */
  public static <T> T decodeValue(byte[] json, Class<T> valueClass) {
    if (json.length > MAX_DOCUMENT_BYTES) {
      throw tooLarge(json.length);
    }
    try {
      T value = MAPPER.readValue(json, valueClass);
      if (value == null) {
        throw new MalformedEventException(
            valueClass.getSimpleName() + ": the document is null: expected an object");
      }
      return value;
    } catch (IOException e) {
      throw malformed(valueClass.getSimpleName(), e);
    } catch (NumberFormatException e) {
      throw overflown(valueClass.getSimpleName(), e);
    }
  }

  /**
   * Reads any JSON document as a tree, under the same limits.
   *
   * @throws MalformedEventException if it is not one JSON document
   */
  public static JsonNode readTree(byte[] json) {
    if (json.length > MAX_DOCUMENT_BYTES) {
      throw tooLarge(json.length);
    }
    try {
      JsonNode tree = MAPPER.readTree(json);
      if (tree == null || tree.isMissingNode()) {
        throw new MalformedEventException("the document is empty: expected JSON");
      }
      return tree;
    } catch (IOException e) {
      throw malformed("document", e);
    } catch (NumberFormatException e) {
      throw overflown("document", e);
    }
  }

  /**
   * Reads an event of a known kind as a tree, for those who ask for few of its fields. Of what the
   * kind requires, only the members of the document itself are looked for.
   *
   * @throws MalformedEventException if it is not one JSON object with these members
   */
  public static JsonNode readTree(byte[] json, EventType type) {
    JsonNode tree = readTree(json);
    if (!tree.isObject()) {
      throw new MalformedEventException(
          "the value is a JSON " + tree.getNodeType() + ": expected an object");
    }
    for (String member : REQUIRED.get(type.eventClass())) {
      if (!tree.hasNonNull(member)) {
        throw new MalformedEventException(type.kind() + " at " + member + ": it is missing");
      }
    }
    return tree;
  }

  /** The tree of a value that consists of records. */
  public static JsonNode toTree(Object value) {
    return MAPPER.valueToTree(value);
  }

  /** An empty JSON object. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  private static MalformedEventException tooLarge(int length) {
    return new MalformedEventException(
        "the document has " + length + " bytes: expected at most " + MAX_DOCUMENT_BYTES);
  }

  /** Jackson lets an exponent that no BigDecimal has escape as it is. */
  private static MalformedEventException overflown(String what, NumberFormatException cause) {
    return new MalformedEventException(what + ": " + cause.getMessage(), cause);
  }

  private static MalformedEventException malformed(String what, IOException cause) {
    String where = "";
    String why = cause.getMessage();
    if (cause instanceof JsonMappingException mapping) {
      where =
          mapping.getPath().stream()
              .map(
                  step ->
                      step.getFieldName() == null
                          ? "[" + step.getIndex() + "]"
                          : step.getFieldName())
              .collect(Collectors.joining("."));
      why = mapping.getOriginalMessage();
    } else if (cause instanceof JsonProcessingException processing) {
      JsonLocation location = processing.getLocation();
      why =
          processing.getOriginalMessage()
              + (location == null
                  ? ""
                  : " (line " + location.getLineNr() + ", column " + location.getColumnNr() + ")");
    }
    return new MalformedEventException(
        what + (where.isEmpty() ? "" : " at " + where) + ": " + why, cause);
  }
}
