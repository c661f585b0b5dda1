package io.meshward.responder;

import io.meshward.rules.ItemNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A playbook's item with what later items change: {@code override: {match: append}}, as lists,
 * macros and rules are changed. A key that was appended to has several parts. Not thread-safe.
 */
final class PlaybookItem {
  private static final String NAME = "playbook";
  private static final String OVERRIDE = "override";
  private static final Set<String> APPENDABLE =
      Set.of("match", "exceptions", "protect", "approval", "steps");

  private final ItemNode node;
  private final Map<String, List<ItemNode>> parts = new LinkedHashMap<>();

  PlaybookItem(ItemNode node, Map<String, ItemNode> keys) {
    this.node = node;
    keys.forEach((key, value) -> parts.put(key, List.of(value)));
  }

  /** How an item changes a playbook; empty if it is one itself. */
  static Optional<ItemNode> override(Map<String, ItemNode> keys) {
    return Optional.ofNullable(keys.get(OVERRIDE));
  }

  /** Where it stands. */
  ItemNode node() {
    return node;
  }

  /** Its keys, each with its first part. */
  Map<String, ItemNode> keys() {
    Map<String, ItemNode> keys = new LinkedHashMap<>();
    parts.forEach((key, values) -> keys.put(key, values.getFirst()));
    return keys;
  }

  /** What stands under a key, in the order in which it was appended; empty if nothing does. */
  List<ItemNode> parts(String key) {
    return parts.getOrDefault(key, List.of());
  }

  /**
   * Changes it; what is wrong with the change is reported.
   *
   * @param override which keys it changes, and how
   * @param changes the item that changes it
   */
  void change(ItemNode override, Map<String, ItemNode> changes, ItemReader reader) {
    Map<String, ItemNode> operations = reader.mapping(override, changeable(), "'override'");
    changes.forEach(
        (key, value) -> {
          if (!key.equals(NAME) && !key.equals(OVERRIDE) && !operations.containsKey(key)) {
            reader.wrong(
                value, "'" + key + "' is not under 'override': expected append or replace");
          }
        });
    for (String key : operations.keySet()) {
      ItemNode value = changes.get(key);
      String operation = reader.word(operations, key, "", "append", "replace");
      if (value == null) {
        reader.wrong(override.key(key), "'" + key + "' is to be changed, but is not there");
      } else if (operation.equals("replace")) {
        parts.put(key, List.of(value));
      } else if (APPENDABLE.contains(key)) {
        parts.put(key, Stream.concat(parts(key).stream(), Stream.of(value)).toList());
      } else {
        reader.wrong(
            override.key(key),
            "'"
                + key
                + "' cannot be appended to, only "
                + String.join(", ", new TreeSet<>(APPENDABLE))
                + ": expected replace");
      }
    }
  }

  private static Set<String> changeable() {
    Set<String> keys = new TreeSet<>(PlaybookReader.KEYS);
    keys.removeAll(Set.of(NAME, OVERRIDE));
    return keys;
  }
}
