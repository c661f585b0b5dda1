package io.meshward.rules;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Finds what an event must have for a condition to be true, for an index over many conditions. */
final class RequiredEqualities {

  private final FieldCatalogue catalogue;

  RequiredEqualities(FieldCatalogue catalogue) {
    this.catalogue = catalogue;
  }

  Map<FieldReference, Set<String>> of(Condition condition) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> all(operands);
      case Condition.Or(List<Condition> operands) -> any(operands);
      case Condition.Comparison comparison -> comparison(comparison);
      case Condition.Not not -> Map.of();
      case Condition.Exists exists -> Map.of();
      case Condition.MacroReference macro -> Map.of();
    };
  }

  private Map<FieldReference, Set<String>> all(List<Condition> operands) {
    Map<FieldReference, Set<String>> required = new HashMap<>();
    for (Condition operand : operands) {
      of(operand)
          .forEach(
              (field, constants) -> required.merge(field, constants, RequiredEqualities::both));
    }
    return required;
  }

  private Map<FieldReference, Set<String>> any(List<Condition> operands) {
    Map<FieldReference, Set<String>> required = new HashMap<>(of(operands.getFirst()));
    for (Condition operand : operands.subList(1, operands.size())) {
      Map<FieldReference, Set<String>> other = of(operand);
      required.keySet().retainAll(other.keySet());
      required.replaceAll(
          (field, constants) -> {
            Set<String> union = new HashSet<>(constants);
            union.addAll(other.getOrDefault(field, Set.of()));
            return Set.copyOf(union);
          });
    }
    return required;
  }

  private static Set<String> both(Set<String> left, Set<String> right) {
    Set<String> common = new HashSet<>(left);
    common.retainAll(right);
    return Set.copyOf(common);
  }

  private Map<FieldReference, Set<String>> comparison(Condition.Comparison comparison) {
    if (!(comparison.left() instanceof Expression.Field(var name, var argument, var position))) {
      return Map.of();
    }
    FieldReference field = catalogue.reference(name, argument);
    boolean dynamic = field.type() == FieldType.DYNAMIC;
    boolean indexable = dynamic || field.type().isText() || field.type() == FieldType.BOOLEAN;
    if (field.isList() || !indexable) {
      return Map.of();
    }
    return constants(comparison, dynamic)
        .<Map<FieldReference, Set<String>>>map(constants -> Map.of(field, constants))
        .orElse(Map.of());
  }

  private static Optional<Set<String>> constants(Condition.Comparison comparison, boolean dynamic) {
    boolean equal = comparison.operator().meaning() == Operator.EQUAL;
    return switch (comparison.right()) {
      case Operand.Literal(String text, Position position) when equal -> Optional.of(Set.of(text));
      case Operand.ValueList list when equal && isAny(comparison) -> Optional.of(texts(list));
      case Operand.ValueList list when isMembership(comparison.operator()) && !dynamic ->
          Optional.of(texts(list));
      default -> Optional.empty();
    };
  }

  /** {@code = anyof (a, b)} and {@code = oneof (a, b)} imply that one of them is equal. */
  private static boolean isAny(Condition.Comparison comparison) {
    return comparison.modifier().isPresent();
  }

  private static boolean isMembership(Operator operator) {
    return operator == Operator.IN || operator == Operator.INTERSECTS;
  }

  private static Set<String> texts(Operand.ValueList list) {
    Set<String> texts = new HashSet<>();
    list.items().forEach(item -> texts.add(item.text()));
    return Set.copyOf(texts);
  }
}
