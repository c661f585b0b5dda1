package io.meshward.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells whether a path starts with one of several, component by component. Empty components do not
 * count; one with {@code ? * [} is a shell pattern for one component. Immutable.
 */
final class PathPrefixes {

  /** A component that may follow. */
  private static final class Node {
    final Map<String, Node> literals = new HashMap<>();
    final Map<String, Pattern> patterns = new HashMap<>();
    boolean end;
  }

  private record Pattern(Glob glob, Node next) {}

  private final Node root = new Node();

  PathPrefixes(Collection<String> paths) {
    for (String path : paths) {
      Node node = root;
      for (String component : components(path)) {
        node =
            Glob.isPattern(component)
                ? node.patterns
                    .computeIfAbsent(
                        component, c -> new Pattern(Glob.compile(c, false), new Node()))
                    .next()
                : node.literals.computeIfAbsent(component, c -> new Node());
      }
      node.end = true;
    }
  }

  /** All prefixes are followed at once, so time is bounded by components times patterns. */
  boolean matches(String path) {
    List<Node> reached = List.of(root);
    for (String component : components(path)) {
      List<Node> next = new ArrayList<>();
      for (Node node : reached) {
        if (node.end) {
          return true;
        }
        Node literal = node.literals.get(component);
        if (literal != null) {
          next.add(literal);
        }
        for (Pattern pattern : node.patterns.values()) {
          if (pattern.glob().matches(component)) {
            next.add(pattern.next());
          }
        }
      }
      if (next.isEmpty()) {
        return false;
      }
      reached = next;
    }
    return reached.stream().anyMatch(node -> node.end);
  }

  private static List<String> components(String path) {
    List<String> components = new ArrayList<>();
    int start = 0;
    while (start <= path.length()) {
      int slash = path.indexOf('/', start);
      int end = slash < 0 ? path.length() : slash;
      if (end > start) {
        components.add(path.substring(start, end));
      }
      start = end + 1;
    }
    return components;
  }
}
