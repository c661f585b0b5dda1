package io.meshward.rules;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Values whose type only the event knows. Equality, membership and the operators on text see a
 * value's {@linkplain FieldValue#text text}; order needs numbers, or texts that read as numbers, on
 * both sides. Lists know only in, intersects and exists.
 */
final class DynamicSemantics implements TypeSemantics {

  private final StringSemantics strings = new StringSemantics();

  @Override
  public String typeClass() {
    return "dynamic";
  }

  @Override
  public Set<Operator> operators() {
    return strings.operators();
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case String text -> text;
      case Long number -> number;
      case Integer number -> number.longValue();
      case List<?> list -> list;
      case Double number -> number;
      default -> FieldValue.text(raw);
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    return text;
  }

  @Override
  public ValueTest comparison(Operator operator, String text, Dialect dialect) {
    if (operator.right() == Operator.Right.NUMBER) {
      return TypeSemantics.super.comparison(operator, text, dialect);
    }
    ValueTest test = strings.comparison(operator, text, dialect);
    return value -> {
      String read = FieldValue.text(value);
      return read != null && test.test(read);
    };
  }

  @Override
  public ValueTest listTest(Operator operator, List<String> texts, Dialect dialect) {
    ValueTest test = strings.listTest(operator, texts, dialect);
    return value -> {
      String read = FieldValue.text(value);
      return read != null && test.test(read);
    };
  }

  @Override
  public Relation relation(Operator operator) {
    return switch (operator) {
      case LESS -> (left, right) -> order(left, right, -1, -1);
      case LESS_OR_EQUAL -> (left, right) -> order(left, right, -1, 0);
      case GREATER -> (left, right) -> order(left, right, 1, 1);
      case GREATER_OR_EQUAL -> (left, right) -> order(left, right, 0, 1);
      default -> {
        Relation texts = strings.relation(operator);
        yield (left, right) -> {
          String leftText = FieldValue.text(left);
          String rightText = FieldValue.text(right);
          return leftText != null && rightText != null && texts.test(leftText, rightText);
        };
      }
    };
  }

  /** Whether both are numbers and the sign of their comparison lies between two signs. */
  private static boolean order(Object left, Object right, int least, int greatest) {
    Number a = number(left);
    Number b = number(right);
    if (a == null || b == null) {
      return false;
    }
    int order =
        a instanceof Long && b instanceof Long
            ? Long.compare(a.longValue(), b.longValue())
            : Double.compare(a.doubleValue(), b.doubleValue());
    return Integer.signum(order) >= least && Integer.signum(order) <= greatest;
  }

  private static @Nullable Number number(Object value) {
    return switch (value) {
      case Number number -> number;
      case String text when text.length() < 19 && IntegerSemantics.isDecimal(text) ->
          Long.valueOf(text);
      case String text when DoubleSemantics.isDecimal(text) -> Double.valueOf(text);
      default -> null;
    };
  }
}
