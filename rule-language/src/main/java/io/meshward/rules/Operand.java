package io.meshward.rules;

import java.util.List;

/** The right side of a comparison. Immutable. */
public sealed interface Operand {

  /** One constant, as the string it was written as (without quotes and escapes). */
  record Literal(String text, Position position) implements Operand {
    public Literal(String text) {
      this(text, Position.none());
    }
  }

  /** {@code (a, b, c)}; an element that is the name of a list stands for that list's items. */
  record ValueList(List<Literal> items, Position position) implements Operand {
    public ValueList {
      items = List.copyOf(items);
    }

    /** A list of constants. */
    public static ValueList of(String... texts) {
      return new ValueList(
          java.util.Arrays.stream(texts).map(Literal::new).toList(), Position.none());
    }
  }

  /** The name of a list: {@code proc.name in shell_binaries}. */
  record ListReference(String name, Position position) implements Operand {}

  /** Another value of the same event: {@code val(proc.pname)} or {@code tolower(proc.pname)}. */
  record FieldOperand(Expression expression) implements Operand {}
}
