package io.meshward.rules;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Floating point numbers. Falco reads only whole numbers as constants, Meshward fractions too. */
final class DoubleSemantics implements TypeSemantics {

  @Override
  public String typeClass() {
    return "numeric";
  }

  @Override
  public Set<Operator> operators() {
    return IntegerSemantics.OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case Double number -> number;
      case Number number -> number.doubleValue();
      case String text when isDecimal(text) -> Double.valueOf(text);
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    boolean legal =
        switch (dialect) {
          case FALCO -> IntegerSemantics.isDecimal(text);
          case MESHWARD -> isDecimal(text);
        };
    if (!legal) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no number that the field can have: expected a decimal"
              + (dialect == Dialect.FALCO ? " integer" : ""));
    }
    return Double.valueOf(text);
  }

  @Override
  public Relation relation(Operator operator) {
    return switch (operator.meaning()) {
      case LESS -> (left, right) -> (Double) left < (Double) right;
      case LESS_OR_EQUAL -> (left, right) -> (Double) left <= (Double) right;
      case GREATER -> (left, right) -> (Double) left > (Double) right;
      case GREATER_OR_EQUAL -> (left, right) -> (Double) left >= (Double) right;
      default -> TypeSemantics.super.relation(operator);
    };
  }

  static boolean isDecimal(String text) {
    return ConditionLexer.isNumber(text) && !text.startsWith("0x") && !text.startsWith("0X");
  }
}
