package io.meshward.embedded;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshward.embedded.SchemaType.Field;
import io.meshward.embedded.SchemaType.ListOf;
import io.meshward.embedded.SchemaType.MapOf;
import io.meshward.embedded.SchemaType.Scalar;
import io.meshward.embedded.SchemaType.Struct;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The fields of the simulated kinds, read from {@code kubernetes-1.36.json}: facts of the OpenAPI
 * document that a 1.36 API server publishes, one line per object. A field's type is a scalar or an
 * object's name; {@code [x]} is a list ({@code %} a set, {@code #a,b} keyed by those fields),
 * {@code {x}} a map, {@code *} marks an atomic map or object, {@code =} an object that is always
 * written, {@code !} a required list or text, {@code ~} a number or boolean that is not written
 * while zero or false.
 */
final class KubernetesSchema {

  private static final String RESOURCE = "kubernetes-1.36.json";

  private static final Map<String, Scalar> SCALARS =
      Map.of(
          "string", Scalar.STRING,
          "boolean", Scalar.BOOLEAN,
          "int32", Scalar.INT32,
          "int64", Scalar.INT64,
          "number", Scalar.NUMBER,
          "quantity", Scalar.QUANTITY,
          "intOrString", Scalar.INT_OR_STRING,
          "time", Scalar.TIME,
          "microTime", Scalar.MICRO_TIME,
          "any", Scalar.ANY);

  private final Map<String, Map<String, String>> definitions;
  private final Map<String, Struct> structs = new HashMap<>();

  private KubernetesSchema(Map<String, Map<String, String>> definitions) {
    this.definitions = definitions;
  }

  /** Reads and resolves the packaged schema; the map holds every definition by name. */
  static Map<String, Struct> load() {
    KubernetesSchema schema = new KubernetesSchema(definitions());
    schema.definitions.keySet().forEach(schema::struct);
    return Map.copyOf(schema.structs);
  }

  /**
   * The packaged definitions, unresolved: what a test compares with a real server's OpenAPI
   * document.
   */
  static Map<String, Map<String, String>> definitions() {
    try (InputStream in = KubernetesSchema.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the class path lacks " + RESOURCE);
      }
      return new ObjectMapper().readValue(in, new TypeReference<>() {});
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE, e);
    }
  }

  private Struct struct(String name) {
    Struct known = structs.get(name);
    if (known != null) {
      return known;
    }
    Map<String, String> definition = definitions.get(name);
    if (definition == null) {
      throw new IllegalStateException(
          RESOURCE + " refers to " + name + ", which it does not define");
    }
    Map<String, Field> fields = new HashMap<>();
    definition.forEach(
        (field, type) -> {
          if (!field.equals("*")) {
            fields.put(field, field(type));
          }
        });
    Struct struct = new Struct(name, definition.containsKey("*"), fields);
    structs.put(name, struct);
    return struct;
  }

  private Field field(String text) {
    boolean embedded = text.endsWith("=");
    boolean required = text.endsWith("!");
    boolean omitsZero = text.endsWith("~");
    boolean marked = embedded || required || omitsZero;
    String bare = marked ? text.substring(0, text.length() - 1) : text;
    return new Field(type(bare), embedded, required, omitsZero);
  }

  private SchemaType type(String text) {
    if (text.startsWith("{")) {
      int close = text.lastIndexOf('}');
      return new MapOf(type(text.substring(1, close)), text.endsWith("*"));
    }
    if (text.startsWith("[")) {
      int close = text.lastIndexOf(']');
      SchemaType items = type(text.substring(1, close));
      String suffix = text.substring(close + 1);
      if (suffix.isEmpty()) {
        return new ListOf(items, ListOf.Kind.ATOMIC, List.of());
      }
      return suffix.equals("%")
          ? new ListOf(items, ListOf.Kind.SET, List.of())
          : new ListOf(items, ListOf.Kind.KEYED, List.of(suffix.substring(1).split(",", -1)));
    }
    Scalar scalar = SCALARS.get(text);
    return scalar != null ? scalar : struct(text);
  }
}
