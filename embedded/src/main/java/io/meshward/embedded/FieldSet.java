package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A set of field paths in the form of {@code fieldsV1}: a tree whose edges are path elements
 * ({@code f:name}, {@code k:{"key":"value"}}, {@code v:value}) and whose nodes may be members of
 * the set themselves. Operations answer new sets.
 */
final class FieldSet {

  private static final FieldSet NONE = new FieldSet();

  private boolean member;
  private final TreeMap<String, FieldSet> children = new TreeMap<>();

  boolean isEmpty() {
    return !member && children.values().stream().allMatch(FieldSet::isEmpty);
  }

  boolean isMember() {
    return member;
  }

  Map<String, FieldSet> children() {
    return children;
  }

  /** Makes this node a member; the one mutation, for builders of a set. */
  FieldSet insert() {
    member = true;
    return this;
  }

  /** The node below that path element, created if absent. */
  FieldSet child(String element) {
    return children.computeIfAbsent(element, e -> new FieldSet());
  }

  /** The same set without branches that hold no member. */
  FieldSet pruned() {
    return difference(NONE);
  }

  FieldSet union(FieldSet other) {
    FieldSet result = new FieldSet();
    result.member = member || other.member;
    children.forEach(
        (e, c) ->
            result.children.put(
                e, other.children.containsKey(e) ? c.union(other.children.get(e)) : c));
    other.children.forEach((e, c) -> result.children.putIfAbsent(e, c));
    return result;
  }

  FieldSet difference(FieldSet other) {
    FieldSet result = new FieldSet();
    result.member = member && !other.member;
    children.forEach(
        (e, c) -> {
          FieldSet rest = c.difference(other.children.getOrDefault(e, NONE));
          if (!rest.isEmpty()) {
            result.children.put(e, rest);
          }
        });
    return result;
  }

  FieldSet intersection(FieldSet other) {
    FieldSet result = new FieldSet();
    result.member = member && other.member;
    children.forEach(
        (e, c) -> {
          if (other.children.containsKey(e)) {
            FieldSet common = c.intersection(other.children.get(e));
            if (!common.isEmpty()) {
              result.children.put(e, common);
            }
          }
        });
    return result;
  }

  /** The set without that path and everything below it. */
  FieldSet without(List<String> path) {
    FieldSet result = new FieldSet();
    result.member = member;
    children.forEach(
        (e, c) -> {
          if (!e.equals(path.getFirst())) {
            result.children.put(e, c);
          } else if (path.size() > 1) {
            FieldSet rest = c.without(path.subList(1, path.size()));
            if (!rest.isEmpty()) {
              result.children.put(e, rest);
            }
          }
        });
    return result;
  }

  /** The paths as messages write them: {@code .spec.containers[name="web"].image}. */
  List<String> paths() {
    List<String> paths = new ArrayList<>();
    collect("", paths);
    return paths;
  }

  private void collect(String path, List<String> paths) {
    if (member) {
      paths.add(path);
    }
    children.forEach((e, c) -> c.collect(path + readable(e), paths));
  }

  private static String readable(String element) {
    String rest = element.substring(2);
    if (element.startsWith("f:")) {
      return "." + rest;
    }
    if (element.startsWith("k:")) {
      return "[" + rest.substring(1, rest.length() - 1).replaceAll("\"([^\"]+)\":", "$1=") + "]";
    }
    return "[=" + rest + "]";
  }

  ObjectNode toJson() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    if (member && !children.isEmpty()) {
      node.putObject(".");
    }
    children.forEach((e, c) -> node.set(e, c.toJson()));
    return node;
  }

  /** Reads {@code fieldsV1}. */
  static FieldSet fromJson(JsonNode node) {
    FieldSet root = new FieldSet();
    root.read(node);
    return root;
  }

  private void read(JsonNode node) {
    node.properties()
        .forEach(
            e -> {
              if (e.getKey().equals(".")) {
                member = true;
              } else {
                FieldSet inner = child(e.getKey());
                if (e.getValue().isEmpty()) {
                  inner.member = true;
                } else {
                  inner.read(e.getValue());
                }
              }
            });
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FieldSet set && member == set.member && children.equals(set.children);
  }

  @Override
  public int hashCode() {
    return children.hashCode() * 2 + (member ? 1 : 0);
  }

  @Override
  public String toString() {
    return paths().toString();
  }
}
