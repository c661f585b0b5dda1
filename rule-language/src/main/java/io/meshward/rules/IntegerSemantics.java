package io.meshward.rules;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Integers of up to 64 bits, as {@link Long}; unsigned ones compare as such. Decimal constants. */
final class IntegerSemantics implements TypeSemantics {

  static final Set<Operator> OPERATORS =
      EnumSet.of(
          Operator.EQUAL,
          Operator.NOT_EQUAL,
          Operator.LESS,
          Operator.LESS_OR_EQUAL,
          Operator.GREATER,
          Operator.GREATER_OR_EQUAL,
          Operator.IN,
          Operator.INTERSECTS);

  private final BigInteger least;
  private final BigInteger greatest;
  private final boolean port;

  private IntegerSemantics(BigInteger least, BigInteger greatest, boolean port) {
    this.least = least;
    this.greatest = greatest;
    this.port = port;
  }

  static IntegerSemantics signed(int bits) {
    BigInteger limit = BigInteger.ONE.shiftLeft(bits - 1);
    return new IntegerSemantics(limit.negate(), limit.subtract(BigInteger.ONE), false);
  }

  static IntegerSemantics unsigned(int bits) {
    return new IntegerSemantics(
        BigInteger.ZERO, BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE), false);
  }

  static IntegerSemantics port() {
    return new IntegerSemantics(BigInteger.ZERO, BigInteger.valueOf(65_535), true);
  }

  @Override
  public String typeClass() {
    return "numeric";
  }

  @Override
  public Set<Operator> operators() {
    return OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case Long number -> number;
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Byte number -> number.longValue();
      case BigInteger number -> inRange(number);
      case Double number -> wholeOf(number);
      case Float number -> wholeOf(number.doubleValue());
      case String text when isDecimal(text) -> inRange(new BigInteger(text));
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    if (port && !isDecimal(text)) {
      Long number = ServiceNames.port(text);
      if (number != null) {
        return number;
      }
    }
    Long number = isDecimal(text) ? inRange(new BigInteger(text)) : null;
    if (number == null) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no number that the field can have: expected "
              + (port ? "the name of a service or " : "")
              + "a decimal integer from "
              + least
              + " to "
              + greatest);
    }
    return number;
  }

  @Override
  public Relation relation(Operator operator) {
    return switch (operator.meaning()) {
      case LESS -> (left, right) -> compare(left, right) < 0;
      case LESS_OR_EQUAL -> (left, right) -> compare(left, right) <= 0;
      case GREATER -> (left, right) -> compare(left, right) > 0;
      case GREATER_OR_EQUAL -> (left, right) -> compare(left, right) >= 0;
      default -> TypeSemantics.super.relation(operator);
    };
  }

  private int compare(Object left, Object right) {
    return least.signum() < 0
        ? Long.compare((Long) left, (Long) right)
        : Long.compareUnsigned((Long) left, (Long) right);
  }

  private @Nullable Long inRange(BigInteger number) {
    return number.compareTo(least) >= 0 && number.compareTo(greatest) <= 0
        ? number.longValue()
        : null;
  }

  private @Nullable Long wholeOf(double number) {
    return number == Math.rint(number) && !Double.isInfinite(number)
        ? inRange(new BigDecimal(number).toBigInteger())
        : null;
  }

  /** Up to 20 digits with an optional sign: no 64-bit number has more. */
  static boolean isDecimal(String text) {
    int start = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
    return text.length() > start
        && text.length() - start <= 20
        && text.chars().skip(start).allMatch(c -> c >= '0' && c <= '9');
  }
}
