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
    return of(condition, false);
  }

  /** A check of something else says nothing about the type, and neither does its negation. */
  private static EventTypes of(Condition condition, boolean negated) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> joined(operands, negated, negated);
      case Condition.Or(List<Condition> operands) -> joined(operands, negated, !negated);
      case Condition.Not(Condition operand) -> of(operand, !negated);
      case Condition.Comparison comparison -> comparison(comparison, negated);
      case Condition.Exists exists -> ALL;
      case Condition.MacroReference macro -> ALL;
    };
  }

  private static EventTypes joined(List<Condition> operands, boolean negated, boolean union) {
    EventTypes joined = of(operands.getFirst(), negated);
    for (Condition operand : operands.subList(1, operands.size())) {
      EventTypes next = of(operand, negated);
      joined = union ? joined.union(next) : joined.intersection(next);
    }
    return joined;
  }

  private static EventTypes comparison(Condition.Comparison comparison, boolean negated) {
    if (!(comparison.left() instanceof Expression.Field field)
        || !field.name().equals("evt.type")) {
      return ALL;
    }
    return switch (comparison.right()) {
      case Operand.Literal(String text, Position position) ->
          switch (comparison.operator().meaning()) {
            case EQUAL -> new EventTypes(Set.of(text), negated);
            case NOT_EQUAL -> new EventTypes(Set.of(text), !negated);
            default -> ALL;
          };
      case Operand.ValueList list when comparison.operator() == Operator.IN -> {
        Set<String> names = new HashSet<>();
        list.items().forEach(item -> names.add(item.text()));
        yield new EventTypes(names, negated);
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
