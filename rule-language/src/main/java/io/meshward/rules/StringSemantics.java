package io.meshward.rules;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Text: exact comparison, order by code points (that of UTF-8's bytes), ASCII case folding. */
final class StringSemantics implements TypeSemantics {

  private static final Set<Operator> OPERATORS =
      EnumSet.complementOf(
          EnumSet.of(Operator.DOUBLE_EQUAL, Operator.BCONTAINS, Operator.BSTARTSWITH));

  @Override
  public String typeClass() {
    return "string";
  }

  @Override
  public Set<Operator> operators() {
    return OPERATORS;
  }

  @Override
  public @Nullable Object normalise(Object raw) {
    return raw instanceof String ? raw : FieldValue.text(raw);
  }

  @Override
  public Object constant(String text, Dialect dialect) {
    return text;
  }

  @Override
  public ValueTest comparison(Operator operator, String text, Dialect dialect) {
    return switch (operator.meaning()) {
      case EQUAL -> text::equals;
      case GLOB, IGLOB -> {
        Glob glob = Glob.compile(text, operator == Operator.IGLOB);
        yield value -> glob.matches((String) value);
      }
      case ICONTAINS -> {
        String folded = AsciiCase.lower(text);
        yield value -> AsciiCase.containsLower((String) value, folded);
      }
      case REGEX -> {
        LinearRegex regex = LinearRegex.compile(text, dialect);
        yield value -> regex.matches((String) value);
      }
      default -> TypeSemantics.super.comparison(operator, text, dialect);
    };
  }

  @Override
  public ValueTest listTest(Operator operator, List<String> texts, Dialect dialect) {
    if (operator == Operator.PMATCH) {
      PathPrefixes prefixes = new PathPrefixes(texts);
      return value -> prefixes.matches((String) value);
    }
    Set<String> constants = Set.copyOf(texts);
    return value -> constants.contains((String) value);
  }

  @Override
  public Relation relation(Operator operator) {
    return switch (operator.meaning()) {
      case EQUAL, IN, INTERSECTS -> Object::equals;
      case NOT_EQUAL -> (left, right) -> !left.equals(right);
      case LESS -> (left, right) -> compare(left, right) < 0;
      case LESS_OR_EQUAL -> (left, right) -> compare(left, right) <= 0;
      case GREATER -> (left, right) -> compare(left, right) > 0;
      case GREATER_OR_EQUAL -> (left, right) -> compare(left, right) >= 0;
      case CONTAINS -> (left, right) -> ((String) left).contains((String) right);
      case STARTSWITH -> (left, right) -> ((String) left).startsWith((String) right);
      case ENDSWITH -> (left, right) -> ((String) left).endsWith((String) right);
      case ICONTAINS ->
          (left, right) -> AsciiCase.containsLower((String) left, AsciiCase.lower((String) right));
      case GLOB -> (left, right) -> Glob.compile((String) right, false).matches((String) left);
      case IGLOB -> (left, right) -> Glob.compile((String) right, true).matches((String) left);
      case DOUBLE_EQUAL, BCONTAINS, BSTARTSWITH, PMATCH, REGEX -> throw unsupported(operator);
    };
  }

  private static int compare(Object left, Object right) {
    return compareCodePoints((String) left, (String) right);
  }

  /** Like {@link String#compareTo}, but a surrogate sorts behind every other UTF-16 unit. */
  static int compareCodePoints(String left, String right) {
    int common = Math.min(left.length(), right.length());
    for (int i = 0; i < common; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        boolean surrogateA = Character.isSurrogate(a);
        return surrogateA == Character.isSurrogate(b)
            ? Character.compare(a, b)
            : (surrogateA ? 1 : -1);
      }
    }
    return Integer.compare(left.length(), right.length());
  }
}
