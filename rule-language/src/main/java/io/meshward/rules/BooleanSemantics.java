package io.meshward.rules;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code true} and {@code false}. */
final class BooleanSemantics implements TypeSemantics {

  private static final Set<Operator> OPERATORS =
      EnumSet.of(Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.INTERSECTS);

  @Override
  public String typeClass() {
    return "bool";
  }

  @Override
  public Set<Operator> operators() {
    return OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return switch (raw) {
      case Boolean truth -> truth;
      case String text -> truth(text);
      default -> null;
    };
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    Boolean truth = truth(text);
    if (truth == null) {
      throw new IllegalArgumentException(
          "'" + text + "' is no boolean: expected 'true' or 'false'");
    }
    return truth;
  }

  private static @Nullable Boolean truth(String text) {
    return switch (text) {
      case "true" -> Boolean.TRUE;
      case "false" -> Boolean.FALSE;
      default -> null;
    };
  }
}
