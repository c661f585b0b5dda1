package io.meshward.rules;

import io.meshward.rules.Definition.Mode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Reads how an item changes an earlier one: {@code append: true} or {@code override}. */
final class OverrideReader {

  private static final String APPEND_DEPRECATED =
      "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under"
          + " 'override' instead.";
  private static final String NOT_TOGETHER =
      "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g."
          + " 'condition: append') under 'override' instead.";

  private OverrideReader() {}

  /** The mode of a list or macro, whose only changeable key is {@code key}. */
  static Mode mode(Item item, String key) {
    boolean append = isAppend(item);
    Map<String, Mode> overrides = overrides(item, Set.of(key), Set.of(key), append);
    return append ? Mode.APPEND : overrides.getOrDefault(key, Mode.DEFINE);
  }

  /** Whether it says {@code append: true}, which is deprecated. */
  static boolean isAppend(Item item) {
    boolean append = item.flag("append").orElse(false);
    if (append) {
      item.warning(DiagnosticCode.LOAD_DEPRECATED_ITEM, APPEND_DEPRECATED, "append");
    }
    return append;
  }

  /** The operation per key; what is not allowed is reported. */
  static Map<String, Mode> overrides(
      Item item, Set<String> appendable, Set<String> replaceable, boolean append) {
    Map<String, Mode> overrides = new LinkedHashMap<>();
    item.item("override")
        .ifPresent(
            override -> {
              for (String key : override.mapping().entries().keySet()) {
                override
                    .text(key)
                    .ifPresentOrElse(
                        text -> {
                          String problem = problem(item, key, text.text(), appendable, replaceable);
                          if (problem.isEmpty()) {
                            overrides.put(
                                key, text.text().equals("append") ? Mode.APPEND : Mode.REPLACE);
                          } else {
                            item.error(problem, override.mapping().placeOf(key));
                          }
                        },
                        () ->
                            item.error(
                                "Invalid override operation for key '" + key + "'", "override"));
              }
            });
    if (append && item.has("override")) {
      item.error(NOT_TOGETHER, "override");
    } else if (!overrides.isEmpty()) {
      for (String key : item.mapping().entries().keySet()) {
        if (replaceable.contains(key) && !overrides.containsKey(key)) {
          item.error(
              "Unexpected key '" + key + "': no corresponding entry under 'override' is defined.",
              key);
        }
      }
    }
    return overrides;
  }

  private static String problem(
      Item item, String key, String operation, Set<String> appendable, Set<String> replaceable) {
    return switch (operation) {
      case "append" -> {
        if (!appendable.contains(key)) {
          yield "Key '"
              + key
              + "' cannot be appended to"
              + (replaceable.contains(key) ? ", use 'replace' instead" : "");
        }
        yield item.has(key) ? "" : notDefined("append", key);
      }
      case "replace" -> {
        if (!replaceable.contains(key)) {
          yield "Key '" + key + "' cannot be replaced";
        }
        yield item.has(key) ? "" : notDefined("replace", key);
      }
      default ->
          "Invalid override operation for key '"
              + key
              + "': '"
              + operation
              + "'. Allowed values are: append replace";
    };
  }

  private static String notDefined(String operation, String key) {
    return "An "
        + operation
        + " override for '"
        + key
        + "' was specified but '"
        + key
        + "' is not defined";
  }
}
