package io.meshward.rules;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a type of fields means: which operators it knows, how constants are read and values are
 * compared. Implementations are stateless.
 */
interface TypeSemantics {

  /** A test of one value, which is as {@link #normalise} returned it. */
  @FunctionalInterface
  interface ValueTest {
    boolean test(Object value);
  }

  /** A test of two values, which are as {@link #normalise} returned them. */
  @FunctionalInterface
  interface Relation {
    boolean test(Object left, Object right);
  }

  /** How messages call the types that share this meaning. */
  String typeClass();

  /** The operators that single values of the type know, {@code =} standing for {@code ==} too. */
  Set<Operator> operators();

  /** The value in the one form that tests expect, or null if it is no value of this type. */
  @Nullable Object normalise(Object raw);

  /**
   * The value that a constant stands for.
   *
   * @throws IllegalArgumentException if it is none of this type
   */
  Object constant(String text, Dialect dialect);

  /**
   * The test between two values that an operator means; here, what all types know.
   *
   * @throws IllegalArgumentException if the operator needs constants on its right
   */
  default Relation relation(Operator operator) {
    return switch (operator.meaning()) {
      case EQUAL, IN, INTERSECTS -> Object::equals;
      case NOT_EQUAL -> (left, right) -> !left.equals(right);
      default -> throw unsupported(operator);
    };
  }

  /** The test of a value against a constant. */
  default ValueTest comparison(Operator operator, String text, Dialect dialect) {
    Object constant = constant(text, dialect);
    Relation relation = relation(operator);
    return value -> relation.test(value, constant);
  }

  /** The test of a single value against a list of constants: in, intersects or pmatch. */
  default ValueTest listTest(Operator operator, List<String> texts, Dialect dialect) {
    Set<Object> constants = new HashSet<>();
    for (String text : texts) {
      constants.add(constant(text, dialect));
    }
    return constants::contains;
  }

  /** The refusal of an operator that the type does not know. */
  default IllegalArgumentException unsupported(Operator operator) {
    return new IllegalArgumentException(
        "'" + operator + "' operator not supported for " + typeClass() + " filters");
  }
}
