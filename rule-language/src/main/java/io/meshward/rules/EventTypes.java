package io.meshward.rules;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The event types that a condition admits, judged by its checks of {@code evt.type}.
 *
 * @param names the types, or all types but these
 * @param complement whether it is all but the names
 */
record EventTypes(Set<String> names, boolean complement) {

  /** More types than these cost Falco much time. */
  private static final int MANY = 100;

  private static final EventTypes ALL = new EventTypes(Set.of(), true);

  EventTypes {
    names = Set.copyOf(names);
  }

  boolean isMany() {
    return complement || names.size() > MANY;
  }

  static EventTypes of(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) ->
          operands.stream().map(EventTypes::of).reduce(ALL, EventTypes::intersection);
      case Condition.Or(List<Condition> operands) ->
          operands.stream().map(EventTypes::of).reduce(ALL.inverse(), EventTypes::union);
      case Condition.Not(Condition operand) -> negated(operand);
      case Condition.Comparison comparison -> comparison(comparison);
      case Condition.Exists exists -> ALL;
      case Condition.MacroReference macro -> ALL;
    };
  }

  /** A check of something else says nothing about the type, and neither does its negation. */
  private static EventTypes negated(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) ->
          operands.stream().map(EventTypes::negated).reduce(ALL.inverse(), EventTypes::union);
      case Condition.Or(List<Condition> operands) ->
          operands.stream().map(EventTypes::negated).reduce(ALL, EventTypes::intersection);
      case Condition.Not(Condition operand) -> of(operand);
      case Condition.Comparison comparison when isEventType(comparison) ->
          comparison(comparison).inverse();
      case Condition.Comparison comparison -> ALL;
      case Condition.Exists exists -> ALL;
      case Condition.MacroReference macro -> ALL;
    };
  }

  private static boolean isEventType(Condition.Comparison comparison) {
    return comparison.left() instanceof Expression.Field field && field.name().equals("evt.type");
  }

  private static EventTypes comparison(Condition.Comparison comparison) {
    if (!isEventType(comparison)) {
      return ALL;
    }
    return switch (comparison.right()) {
      case Operand.Literal(String text, Position position) ->
          switch (comparison.operator().meaning()) {
            case EQUAL -> new EventTypes(Set.of(text), false);
            case NOT_EQUAL -> new EventTypes(Set.of(text), true);
            default -> ALL;
          };
      case Operand.ValueList list when comparison.operator() == Operator.IN -> {
        Set<String> names = new HashSet<>();
        list.items().forEach(item -> names.add(item.text()));
        yield new EventTypes(names, false);
      }
      default -> ALL;
    };
  }

  private EventTypes inverse() {
    return new EventTypes(names, !complement);
  }

  private EventTypes union(EventTypes other) {
    return inverse().intersection(other.inverse()).inverse();
  }

  private EventTypes intersection(EventTypes other) {
    Set<String> result = new HashSet<>(names);
    if (complement && other.complement) {
      result.addAll(other.names);
      return new EventTypes(result, true);
    }
    if (complement) {
      return other.intersection(this);
    }
    if (other.complement) {
      result.removeAll(other.names);
    } else {
      result.retainAll(other.names);
    }
    return new EventTypes(result, false);
  }
}
