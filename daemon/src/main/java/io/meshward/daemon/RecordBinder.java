package io.meshward.daemon;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Binds one YAML document to records, collecting all that is wrong. One use. */
final class RecordBinder {
  private final String name;
  private final ScalarParser scalars;
  private final List<String> problems = new ArrayList<>();

  RecordBinder(String name, Path folder) {
    this.name = name;
    this.scalars = new ScalarParser(folder);
  }

  <T extends Record> T bind(Optional<Node> document, Class<T> type) {
    Object value = document.isPresent() ? value(document.get(), type, "") : record(null, type, "");
    if (value == null || !problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    return type.cast(value);
  }

  /** Null if there was a problem, which has been noted. */
  private @Nullable Object value(Node node, Type type, String path) {
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (generic.getRawType() == List.class) {
        List<Object> items = items(node, arguments[0], path);
        return items == null ? null : List.copyOf(items);
      }
      if (generic.getRawType() == Set.class) {
        List<Object> items = items(node, arguments[0], path);
        return items == null ? null : new LinkedHashSet<>(items);
      }
      if (generic.getRawType() == Map.class && arguments[0] == String.class) {
        return map(node, arguments[1], path);
      }
    } else if (type instanceof Class<?> plain) {
      if (ScalarParser.reads(plain)) {
        return scalar(node, plain, path);
      }
      if (plain.isRecord()) {
        return record(node, plain, path);
      }
    }
    throw new IllegalStateException(
        path + " has type " + type + ", which no configuration can have");
  }

  private @Nullable Object scalar(Node node, Class<?> type, String path) {
    if (!(node instanceof ScalarNode scalar)) {
      return problem(node, path, shape(node) + ": expected " + ScalarParser.expected(type));
    }
    try {
      return scalars.parse(scalar.getValue(), type);
    } catch (IllegalArgumentException e) {
      String expected = e.getMessage() == null ? ScalarParser.expected(type) : e.getMessage();
      // What stands where a secret's place is expected may be the secret itself.
      String value = type == Secret.class ? "value not shown" : "'" + scalar.getValue() + "'";
      return problem(node, path, value + ": expected " + expected);
    }
  }

  private @Nullable List<Object> items(Node node, Type type, String path) {
    if (!(node instanceof SequenceNode sequence)) {
      problem(node, path, shape(node) + ": expected a list");
      return null;
    }
    int known = problems.size();
    List<Object> items = new ArrayList<>();
    for (Node item : sequence.getValue()) {
      Object value = value(item, type, path + "[" + items.size() + "]");
      items.add(value == null ? "" : value);
    }
    return problems.size() == known ? items : null;
  }

  private @Nullable Map<String, Object> map(Node node, Type type, String path) {
    Map<String, Node> fields = fields(node, path);
    if (fields == null) {
      return null;
    }
    int known = problems.size();
    Map<String, Object> map = new LinkedHashMap<>();
    fields.forEach(
        (key, field) -> {
          Object value = value(field, type, child(path, key));
          if (value != null) {
            map.put(key, value);
          }
        });
    return problems.size() == known ? map : null;
  }

  private @Nullable Object record(@Nullable Node node, Class<?> type, String path) {
    Map<String, Node> fields = node == null ? Map.of() : fields(node, path);
    if (fields == null) {
      return null;
    }
    int known = problems.size();
    RecordComponent[] components = type.getRecordComponents();
    Set<String> keys =
        Arrays.stream(components)
            .map(component -> key(component.getName()))
            .collect(Collectors.toCollection(LinkedHashSet::new));
    fields.forEach(
        (key, field) -> {
          if (!keys.contains(key)) {
            problem(field, child(path, key), "unknown key: expected one of " + list(keys));
          }
        });
    @Nullable Object[] arguments = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      arguments[i] = component(node, fields, components[i], path);
    }
    return problems.size() == known ? construct(node, type, components, arguments, path) : null;
  }

  private @Nullable Object component(
      @Nullable Node owner, Map<String, Node> fields, RecordComponent component, String path) {
    String key = key(component.getName());
    String childPath = child(path, key);
    Node field = fields.get(key);
    if (field != null && !field.getTag().equals(Tag.NULL)) {
      return value(field, component.getGenericType(), childPath);
    }
    Default fallback = component.getAnnotation(Default.class);
    if (fallback != null) {
      Node node =
          ConfigFile.compose(fallback.value(), childPath)
              .orElseThrow(() -> new IllegalStateException(childPath + " has an empty default"));
      return value(node, component.getGenericType(), childPath);
    }
    if (!component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
      problem(field == null ? owner : field, childPath, "is missing: expected a value");
    }
    return null;
  }

  private @Nullable Object construct(
      @Nullable Node node,
      Class<?> type,
      RecordComponent[] components,
      @Nullable Object[] arguments,
      String path) {
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException refused) {
        return problem(node, path, String.valueOf(refused.getMessage()));
      }
      throw new IllegalStateException(type + " failed on its own values", e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " cannot be made from its components", e);
    }
  }

  private @Nullable Map<String, Node> fields(Node node, String path) {
    if (!(node instanceof MappingNode mapping)) {
      problem(node, path, shape(node) + ": expected keys and values");
      return null;
    }
    Map<String, Node> fields = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        problem(tuple.getKeyNode(), path, "a key is " + shape(tuple.getKeyNode()));
      } else if (fields.putIfAbsent(key.getValue(), tuple.getValueNode()) != null) {
        problem(key, child(path, key.getValue()), "duplicate key: expected it once");
      }
    }
    return fields;
  }

  private @Nullable Object problem(@Nullable Node node, String path, String what) {
    String where =
        Optional.ofNullable(node)
            .flatMap(Node::getStartMark)
            // A default's own text has no place in the file.
            .filter(mark -> mark.getName().equals(name))
            .map(mark -> ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
            .orElse("");
    problems.add(name + where + ": " + (path.isEmpty() ? "" : path + ": ") + what);
    return null;
  }

  /** The key of a component: {@code maxInFlight} is {@code max-in-flight}. */
  static String key(String component) {
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < component.length(); i++) {
      char c = component.charAt(i);
      if (Character.isUpperCase(c)) {
        key.append('-').append(Character.toLowerCase(c));
      } else {
        key.append(c);
      }
    }
    return key.toString();
  }

  private static String child(String path, String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static String list(Set<String> keys) {
    return keys.stream().sorted().collect(Collectors.joining(", "));
  }

  private static String shape(Node node) {
    return switch (node.getNodeType().name().toLowerCase(Locale.ROOT)) {
      case "sequence" -> "a list";
      case "mapping" -> "keys and values";
      default -> "'" + ((ScalarNode) node).getValue() + "'";
    };
  }
}
