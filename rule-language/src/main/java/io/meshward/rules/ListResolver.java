package io.meshward.rules;

import io.meshward.rules.Condition.Comparison;
import io.meshward.rules.Operand.ListReference;
import io.meshward.rules.Operand.Literal;
import io.meshward.rules.Operand.ValueList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Meshward's way with lists: in a parsed condition, a list's name where a list is expected, or
 * among a list's items, stands for the list's items, transitively and in whatever order the lists
 * were defined.
 */
final class ListResolver {

  /** The most items that one list may have in the end. */
  private static final int MAX_ITEMS = 100_000;

  private final RuleCollection collection;
  private final Map<String, RuleCollection.ListEntry> lists;
  private final Map<String, List<Literal>> resolved = new HashMap<>();
  private final Set<String> used = new HashSet<>();

  ListResolver(RuleCollection collection) {
    this.collection = collection;
    this.lists = collection.lists();
  }

  /** Names of lists that were used so far. */
  Set<String> used() {
    return used;
  }

  /**
   * The condition without names of lists.
   *
   * @throws ConditionSyntaxException if a list is unknown, or refers to itself
   */
  Condition resolve(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> new Condition.And(all(operands));
      case Condition.Or(List<Condition> operands) -> new Condition.Or(all(operands));
      case Condition.Not(Condition operand) -> Condition.not(resolve(operand));
      case Condition.MacroReference macro -> macro;
      case Condition.Exists exists -> exists;
      case Comparison comparison ->
          new Comparison(
              comparison.left(),
              comparison.operator(),
              comparison.modifier(),
              resolve(comparison.right()));
    };
  }

  private List<Condition> all(List<Condition> operands) {
    List<Condition> all = new ArrayList<>(operands.size());
    for (Condition operand : operands) {
      all.add(resolve(operand));
    }
    return all;
  }

  private Operand resolve(Operand operand) {
    return switch (operand) {
      case ListReference(String name, Position position) -> {
        if (collection.wasRefused("list", name)) {
          yield new ValueList(List.of(), position);
        }
        if (!lists.containsKey(name)) {
          throw new ConditionSyntaxException(
              "Undefined list '" + name + "'" + Suggestion.didYouMean(name, lists.keySet()),
              position);
        }
        used.add(name);
        yield new ValueList(items(name, position, new LinkedHashSet<>()), position);
      }
      case ValueList(List<Literal> items, Position position) -> {
        List<Literal> all = new ArrayList<>();
        for (Literal item : items) {
          addItem(item, all, new LinkedHashSet<>());
        }
        yield new ValueList(all, position);
      }
      case Literal literal -> literal;
      case Operand.FieldOperand field -> field;
    };
  }

  private List<Literal> items(String name, Position position, Set<String> path) {
    List<Literal> known = resolved.get(name);
    if (known != null) {
      return known;
    }
    RuleCollection.ListEntry list = lists.get(name);
    if (list == null) {
      throw new IllegalStateException("list '" + name + "' was looked up before");
    }
    if (!path.add(name)) {
      throw new ConditionSyntaxException(
          "list '" + name + "' refers to itself: " + String.join(" -> ", path), position);
    }
    List<Literal> all = new ArrayList<>();
    for (SourceText item : list.items()) {
      addItem(new Literal(item.text(), new Position(item, 0)), all, path);
    }
    path.remove(name);
    resolved.put(name, all);
    return all;
  }

  private void addItem(Literal item, List<Literal> all, Set<String> path) {
    if (lists.containsKey(item.text())) {
      used.add(item.text());
      all.addAll(items(item.text(), item.position(), path));
    } else {
      all.add(item);
    }
    if (all.size() > MAX_ITEMS) {
      throw new ConditionSyntaxException(
          "a list has more than " + MAX_ITEMS + " items in the end", item.position());
    }
  }
}
