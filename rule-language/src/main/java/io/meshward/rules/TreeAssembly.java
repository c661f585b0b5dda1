package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Meshward's way: every part is parsed by itself, so that none binds into another. */
final class TreeAssembly implements ConditionAssembly {

  private final ListResolver lists;

  TreeAssembly(RuleCollection collection) {
    this.lists = new ListResolver(collection);
  }

  @Override
  public Condition assemble(List<SourceText> parts, List<SourceText> exceptions) {
    Condition condition = ConditionParser.parse(parts.getFirst(), ConditionParser.MAX_LENGTH);
    for (SourceText part : parts.subList(1, parts.size())) {
      ConditionParser.Appended appended = ConditionParser.parseAppended(part);
      condition =
          appended.isAnd()
              ? and(condition, appended.condition())
              : or(condition, appended.condition());
    }
    for (SourceText exception : exceptions) {
      condition = and(condition, ConditionParser.parse(exception, TextualLists.MAX_LENGTH));
    }
    return lists.resolve(condition);
  }

  private static Condition and(Condition left, Condition right) {
    return new Condition.And(
        joined(left instanceof Condition.And(var operands) ? operands : List.of(left), right));
  }

  private static Condition or(Condition left, Condition right) {
    return new Condition.Or(
        joined(left instanceof Condition.Or(var operands) ? operands : List.of(left), right));
  }

  private static List<Condition> joined(List<Condition> operands, Condition last) {
    List<Condition> all = new ArrayList<>(operands);
    all.add(last);
    return all;
  }

  @Override
  public boolean sees(RuleCollection.MacroEntry user, RuleCollection.MacroEntry used) {
    return true;
  }

  @Override
  public Set<String> usedLists() {
    return lists.used();
  }
}
