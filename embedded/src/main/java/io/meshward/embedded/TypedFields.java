package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.meshward.embedded.SchemaType.Field;
import io.meshward.embedded.SchemaType.ListOf;
import io.meshward.embedded.SchemaType.MapOf;
import io.meshward.embedded.SchemaType.Scalar;
import io.meshward.embedded.SchemaType.Struct;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What field ownership asks of typed objects: which fields one has, where two differ, one merged
 * into another, and one without some fields. The rules are those of Kubernetes' structured merge:
 * atomic values count as one field, keyed lists and maps by entry.
 */
final class TypedFields {

  private TypedFields() {}

  /** Where two objects differ. */
  record Comparison(FieldSet added, FieldSet modified, FieldSet removed) {

    boolean isSame() {
      return added.isEmpty() && modified.isEmpty() && removed.isEmpty();
    }

    FieldSet changed() {
      return added.union(modified);
    }
  }

  /** All fields of a value. */
  static FieldSet of(JsonNode value, SchemaType type) {
    FieldSet set = new FieldSet();
    collect(value, type, set);
    return set;
  }

  private static void collect(JsonNode value, SchemaType type, FieldSet at) {
    if (type.atomic()) {
      at.insert();
      return;
    }
    switch (type) {
      case Struct struct ->
          value
              .properties()
              .forEach(
                  e -> {
                    Field field = struct.fields().get(e.getKey());
                    if (field != null) {
                      FieldSet inner = at.child("f:" + e.getKey());
                      collect(e.getValue(), field.type(), inner);
                      if (e.getValue().isNull()
                          || (e.getValue().isObject() && e.getValue().isEmpty())) {
                        inner.insert();
                      }
                    }
                  });
      case MapOf map ->
          value
              .properties()
              .forEach(
                  e -> collect(e.getValue(), map.values(), at.child("f:" + e.getKey()).insert()));
      case ListOf list ->
          entries(value, list)
              .forEach((element, item) -> collect(item, list.items(), at.child(element).insert()));
      case Scalar ignored -> throw new AssertionError("a scalar is atomic");
    }
  }

  /** Compares two versions of an object. */
  static Comparison compare(JsonNode before, JsonNode after, SchemaType type) {
    FieldSet added = new FieldSet();
    FieldSet modified = new FieldSet();
    FieldSet removed = new FieldSet();
    compare(before, after, type, added, modified, removed);
    return new Comparison(added.pruned(), modified.pruned(), removed.pruned());
  }

  private static void compare(
      @Nullable JsonNode before,
      @Nullable JsonNode after,
      SchemaType type,
      FieldSet added,
      FieldSet modified,
      FieldSet removed) {
    if (before == null) {
      added.insert();
    } else if (after == null) {
      removed.insert();
    } else if (type.atomic()) {
      if (!before.equals(after)) {
        modified.insert();
      }
    }
    if (type.atomic()) {
      return;
    }
    JsonNode left = before == null ? MissingNode.getInstance() : before;
    JsonNode right = after == null ? MissingNode.getInstance() : after;
    switch (type) {
      case Struct struct -> {
        for (String name : names(left, right)) {
          Field field = struct.fields().get(name);
          if (field != null) {
            JsonNode inner = left.get(name);
            if (inner == null && before != null && field.required()) {
              inner = JsonNodeFactory.instance.arrayNode();
            }
            String element = "f:" + name;
            compare(
                inner,
                right.get(name),
                field.type(),
                added.child(element),
                modified.child(element),
                removed.child(element));
          }
        }
      }
      case MapOf map -> {
        for (String name : names(left, right)) {
          String element = "f:" + name;
          compare(
              left.get(name),
              right.get(name),
              map.values(),
              added.child(element),
              modified.child(element),
              removed.child(element));
        }
      }
      case ListOf list -> {
        Map<String, JsonNode> lefts = entries(left, list);
        Map<String, JsonNode> rights = entries(right, list);
        Set<String> elements = new LinkedHashSet<>(lefts.keySet());
        elements.addAll(rights.keySet());
        for (String element : elements) {
          compare(
              lefts.get(element),
              rights.get(element),
              list.items(),
              added.child(element),
              modified.child(element),
              removed.child(element));
        }
      }
      case Scalar ignored -> throw new AssertionError("a scalar is atomic");
    }
  }

  private static Set<String> names(JsonNode left, JsonNode right) {
    Set<String> names = new LinkedHashSet<>();
    left.fieldNames().forEachRemaining(names::add);
    right.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** The live value with the applied one merged into it. */
  static JsonNode merge(JsonNode live, JsonNode applied, SchemaType type) {
    if (type.atomic() || live.isMissingNode()) {
      return applied.deepCopy();
    }
    return switch (type) {
      case Struct struct -> {
        ObjectNode result = live.deepCopy();
        applied
            .properties()
            .forEach(
                e -> {
                  Field field = struct.fields().get(e.getKey());
                  if (field != null) {
                    result.set(
                        e.getKey(), merge(live.path(e.getKey()), e.getValue(), field.type()));
                  }
                });
        yield result;
      }
      case MapOf map -> {
        ObjectNode result = live.deepCopy();
        applied
            .properties()
            .forEach(
                e ->
                    result.set(
                        e.getKey(), merge(live.path(e.getKey()), e.getValue(), map.values())));
        yield result;
      }
      case ListOf list -> {
        Map<String, JsonNode> merged = new LinkedHashMap<>(entries(live, list));
        entries(applied, list)
            .forEach(
                (element, item) ->
                    merged.merge(
                        element, item, (mine, theirs) -> merge(mine, theirs, list.items())));
        ArrayNode result = JsonNodeFactory.instance.arrayNode();
        merged.values().forEach(result::add);
        yield result;
      }
      case Scalar ignored -> throw new AssertionError("a scalar is atomic");
    };
  }

  /** The value without the members of the set; null if nothing remains of a collection. */
  static @Nullable JsonNode remove(JsonNode value, FieldSet fields, SchemaType type) {
    if (type.atomic() || fields.children().isEmpty()) {
      return value;
    }
    return switch (type) {
      case Struct struct -> {
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        value
            .properties()
            .forEach(
                e -> {
                  Field field = struct.fields().get(e.getKey());
                  JsonNode kept =
                      field == null
                          ? e.getValue()
                          : kept(
                              e.getValue(), fields.children().get("f:" + e.getKey()), field.type());
                  if (kept != null) {
                    result.set(e.getKey(), kept);
                  }
                });
        yield result;
      }
      case MapOf map -> {
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        value
            .properties()
            .forEach(
                e -> {
                  JsonNode kept =
                      kept(e.getValue(), fields.children().get("f:" + e.getKey()), map.values());
                  if (kept != null) {
                    result.set(e.getKey(), kept);
                  }
                });
        yield result.isEmpty() ? null : result;
      }
      case ListOf list -> {
        ArrayNode result = JsonNodeFactory.instance.arrayNode();
        entries(value, list)
            .forEach(
                (element, item) -> {
                  JsonNode kept = kept(item, fields.children().get(element), list.items());
                  if (kept != null) {
                    result.add(kept);
                  }
                });
        yield result.isEmpty() ? null : result;
      }
      case Scalar ignored -> throw new AssertionError("a scalar is atomic");
    };
  }

  private static @Nullable JsonNode kept(
      JsonNode value, @Nullable FieldSet fields, SchemaType type) {
    if (fields == null) {
      return value;
    }
    return fields.isMember() ? null : remove(value, fields, type);
  }

  /** The set in which every declared field on the way to a member is a member too. */
  static FieldSet withNamedParents(FieldSet set, SchemaType type) {
    FieldSet result = new FieldSet();
    if (set.isMember()) {
      result.insert();
    }
    set.children()
        .forEach(
            (element, inner) -> {
              SchemaType innerType = typeOf(element, type);
              FieldSet ensured = innerType == null ? inner : withNamedParents(inner, innerType);
              FieldSet target = result.child(element);
              ensured.children().forEach((e, c) -> target.children().put(e, c));
              if (ensured.isMember() || type instanceof Struct) {
                target.insert();
              }
            });
    return result;
  }

  private static @Nullable SchemaType typeOf(String element, SchemaType type) {
    return switch (type) {
      case Struct struct -> {
        Field field = struct.fields().get(element.substring(2));
        yield field == null ? null : field.type();
      }
      case MapOf map -> map.values();
      case ListOf list -> list.items();
      case Scalar ignored -> null;
    };
  }

  /** The items of a list that is owned by item, by their path elements. */
  private static Map<String, JsonNode> entries(JsonNode list, ListOf type) {
    Map<String, JsonNode> entries = new LinkedHashMap<>();
    for (JsonNode item : list) {
      if (type.kind() == ListOf.Kind.SET) {
        entries.put("v:" + item, item);
      } else {
        ObjectNode key = JsonNodeFactory.instance.objectNode();
        type.keys().stream()
            .sorted()
            .forEach(k -> key.set(k, item.has(k) ? item.get(k) : keyDefault(k)));
        entries.put("k:" + key, item);
      }
    }
    return entries;
  }

  /** Of all key fields only a port's protocol has a default. */
  private static JsonNode keyDefault(String key) {
    return key.equals("protocol") ? TextNode.valueOf("TCP") : JsonNodeFactory.instance.nullNode();
  }
}
