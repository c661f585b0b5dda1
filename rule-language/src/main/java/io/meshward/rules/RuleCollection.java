package io.meshward.rules;

import io.meshward.rules.Definition.DetectionDefinition;
import io.meshward.rules.Definition.ListDefinition;
import io.meshward.rules.Definition.MacroDefinition;
import io.meshward.rules.Definition.Mode;
import io.meshward.rules.Definition.RuleChange;
import io.meshward.rules.Definition.RuleDefinition;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All definitions of all files, with later ones applied to earlier ones. A redefined item keeps its
 * place in the order. Not thread-safe.
 */
final class RuleCollection {

  private static final String NO_LIST =
      "List uses 'append' or 'override.items: append' but no list by that name already exists";
  private static final String NO_MACRO =
      "Macro uses 'append' or 'override.condition: append' but no macro by that name already"
          + " exists";
  private static final String NO_RULE_TO_APPEND =
      "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists";
  private static final String NO_RULE_TO_ENABLE =
      "Rule has 'enabled' key but no rule by that name already exists";
  private static final String NO_RULE_TO_REPLACE =
      "An 'override.<key>: replace' to a rule was requested but no rule by that name already"
          + " exists";

  /**
   * A list.
   *
   * @param index its place in the order of all definitions
   * @param lastChange the place of its last definition or change
   */
  record ListEntry(String name, Place place, List<SourceText> items, int index, int lastChange) {}

  /**
   * A macro.
   *
   * @param condition its text and those that were appended
   */
  record MacroEntry(
      String name, Place place, List<SourceText> condition, int index, int lastChange) {}

  private final Diagnostics diagnostics;
  private final Map<String, ListEntry> lists = new LinkedHashMap<>();
  private final Map<String, MacroEntry> macros = new LinkedHashMap<>();
  private final Map<String, RuleEntry> rules = new LinkedHashMap<>();
  private final Map<String, DetectionDefinition> detections = new LinkedHashMap<>();
  private final Set<String> refused = new HashSet<>();
  private int count;

  RuleCollection(Diagnostics diagnostics) {
    this.diagnostics = diagnostics;
  }

  Map<String, ListEntry> lists() {
    return lists;
  }

  Map<String, MacroEntry> macros() {
    return macros;
  }

  Map<String, RuleEntry> rules() {
    return rules;
  }

  Map<String, DetectionDefinition> detections() {
    return detections;
  }

  /** Whether an item of that name was refused for its form, which was reported. */
  boolean wasRefused(String kind, String name) {
    return refused.contains(kind + " " + name);
  }

  void add(Definition definition) {
    count++;
    switch (definition) {
      case ListDefinition list -> list(list);
      case MacroDefinition macro -> macro(macro);
      case RuleDefinition rule -> rule(rule);
      case RuleChange change -> change(change);
      case DetectionDefinition detection -> detection(detection);
      case Definition.Refused item -> refused.add(item.kind() + " " + item.name());
    }
  }

  private void list(ListDefinition list) {
    ListEntry existing = lists.get(list.name());
    if (existing == null && list.mode() == Mode.APPEND) {
      missing("list", list, NO_LIST);
      return;
    }
    List<SourceText> items = list.items();
    if (existing != null && list.mode() == Mode.APPEND) {
      items = joined(existing.items(), items);
    }
    int index = existing == null ? count : existing.index();
    lists.put(list.name(), new ListEntry(list.name(), list.place(), items, index, count));
  }

  private void macro(MacroDefinition macro) {
    MacroEntry existing = macros.get(macro.name());
    if (existing == null && macro.mode() == Mode.APPEND) {
      missing("macro", macro, NO_MACRO);
      return;
    }
    List<SourceText> condition = List.of(macro.condition());
    if (existing != null && macro.mode() == Mode.APPEND) {
      condition = joined(existing.condition(), condition);
    }
    int index = existing == null ? count : existing.index();
    macros.put(macro.name(), new MacroEntry(macro.name(), macro.place(), condition, index, count));
  }

  private static List<SourceText> joined(List<SourceText> first, List<SourceText> second) {
    List<SourceText> all = new ArrayList<>(first);
    all.addAll(second);
    return List.copyOf(all);
  }

  private void rule(RuleDefinition rule) {
    RuleEntry existing = rules.get(rule.name());
    if (existing != null
        && isOtherSource(existing, rule.source().orElse(RuleEntry.DEFAULT_SOURCE))) {
      error("rule '" + rule.name() + "'", otherSource(existing), rule.place());
      return;
    }
    if (detections.containsKey(rule.name())) {
      error("rule '" + rule.name() + "'", "a detection has the same name", rule.place());
      return;
    }
    rules.put(rule.name(), new RuleEntry(rule, diagnostics));
  }

  private void change(RuleChange change) {
    String label = "rule '" + change.name() + "'";
    RuleEntry existing = rules.get(change.name());
    if (existing == null) {
      missing(
          "rule", change, noRule(change) + Suggestion.didYouMean(change.name(), rules.keySet()));
    } else if (isOtherSource(existing, change.source().orElse(null))) {
      error(label, otherSource(existing), change.place());
    } else {
      existing.apply(change);
    }
  }

  private static String noRule(RuleChange change) {
    if (change.onlyEnables()) {
      return NO_RULE_TO_ENABLE;
    }
    return change.onlyReplaces() ? NO_RULE_TO_REPLACE : NO_RULE_TO_APPEND;
  }

  private static boolean isOtherSource(RuleEntry existing, @Nullable String source) {
    return source != null && !source.equals(existing.source());
  }

  private static String otherSource(RuleEntry existing) {
    return "Rule has been re-defined with a different source: it was '" + existing.source() + "'";
  }

  private void detection(DetectionDefinition detection) {
    if (rules.containsKey(detection.name())) {
      error("detection '" + detection.name() + "'", "a rule has the same name", detection.place());
      return;
    }
    detections.put(detection.name(), detection);
  }

  private void missing(String kind, Definition change, String message) {
    if (!wasRefused(kind, change.name())) {
      error(kind + " '" + change.name() + "'", message, change.place());
    }
  }

  private void error(String item, String message, Place place) {
    diagnostics.error(DiagnosticCode.LOAD_ERR_VALIDATE, item, message, place);
  }
}
