package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A label selector, from a query ({@code app in (a,b),!canary}) or from an object's {@code
 * LabelSelector}; an empty one selects everything.
 */
final class LabelSelector {

  static final LabelSelector EVERYTHING = new LabelSelector(List.of());

  private enum Operator {
    EQUALS,
    NOT_EQUALS,
    IN,
    NOT_IN,
    EXISTS,
    DOES_NOT_EXIST,
    GREATER,
    LESS
  }

  private record Requirement(String key, Operator operator, Set<String> values) {

    boolean matches(Map<String, String> labels) {
      String value = labels.get(key);
      return switch (operator) {
        case EQUALS, IN -> value != null && values.contains(value);
        case NOT_EQUALS, NOT_IN -> value == null || !values.contains(value);
        case EXISTS -> value != null;
        case DOES_NOT_EXIST -> value == null;
        case GREATER -> value != null && compare(value) > 0;
        case LESS -> value != null && compare(value) < 0;
      };
    }

    /** Zero, which satisfies neither comparison, where the label is no number. */
    private int compare(String value) {
      try {
        return Long.compare(Long.parseLong(value), Long.parseLong(values.iterator().next()));
      } catch (NumberFormatException e) {
        return 0;
      }
    }

    @Override
    public String toString() {
      return switch (operator) {
        case EQUALS -> key + "=" + values.iterator().next();
        case NOT_EQUALS -> key + "!=" + values.iterator().next();
        case IN -> key + " in (" + String.join(",", values) + ")";
        case NOT_IN -> key + " notin (" + String.join(",", values) + ")";
        case EXISTS -> key;
        case DOES_NOT_EXIST -> "!" + key;
        case GREATER -> key + ">" + values.iterator().next();
        case LESS -> key + "<" + values.iterator().next();
      };
    }
  }

  private final List<Requirement> requirements;

  private LabelSelector(List<Requirement> requirements) {
    this.requirements = List.copyOf(requirements);
  }

  boolean matches(Map<String, String> labels) {
    return requirements.stream().allMatch(r -> r.matches(labels));
  }

  /** The selector as {@code status.selector} of a scale writes it. */
  @Override
  public String toString() {
    return String.join(",", requirements.stream().map(Requirement::toString).toList());
  }

  /** The selector of an object's specification, which validation has already accepted. */
  static LabelSelector of(JsonNode selector) {
    List<Requirement> requirements = new ArrayList<>();
    new java.util.TreeMap<>(ApiObject.strings(selector.path("matchLabels")))
        .forEach(
            (key, value) -> requirements.add(new Requirement(key, Operator.EQUALS, Set.of(value))));
    for (JsonNode expression : selector.path("matchExpressions")) {
      Set<String> values = new TreeSet<>();
      expression.path("values").forEach(v -> values.add(v.asText()));
      Operator operator =
          switch (expression.path("operator").asText()) {
            case "In" -> Operator.IN;
            case "NotIn" -> Operator.NOT_IN;
            case "Exists" -> Operator.EXISTS;
            case "DoesNotExist" -> Operator.DOES_NOT_EXIST;
            default ->
                throw new IllegalArgumentException(
                    "no operator of a label selector: " + expression.path("operator"));
          };
      requirements.add(new Requirement(expression.path("key").asText(), operator, values));
    }
    return new LabelSelector(requirements);
  }

  /**
   * Parses the query form.
   *
   * @throws ApiFailure 400, in the real parser's words
   */
  static LabelSelector parse(@Nullable String text) {
    return text == null || text.isBlank()
        ? EVERYTHING
        : new LabelSelector(new Parser(text).parse());
  }

  /** A recursive descent over the grammar of Kubernetes label selectors. */
  private static final class Parser {

    private static final String SPECIAL = "=!(),<>";

    private final String text;
    private int position;

    Parser(String text) {
      this.text = text;
    }

    List<Requirement> parse() {
      List<Requirement> requirements = new ArrayList<>();
      while (true) {
        String token = peek();
        if (!token.equals("!") && !isIdentifier(token)) {
          throw ApiFailure.badRequest(
              "found '" + token + "', expected: !, identifier, or 'end of string'");
        }
        requirements.add(requirement());
        String next = next();
        if (next.isEmpty()) {
          return requirements;
        }
        if (!next.equals(",")) {
          throw ApiFailure.badRequest("found '" + next + "', expected: ',' or 'end of string'");
        }
        String after = peek();
        if (!after.equals("!") && !isIdentifier(after)) {
          throw ApiFailure.badRequest("found '" + after + "', expected: identifier after ','");
        }
      }
    }

    private Requirement requirement() {
      String token = next();
      if (token.equals("!")) {
        String key = next();
        if (!isIdentifier(key)) {
          throw failure("found '" + key + "', expected: identifier");
        }
        checkKey(key);
        return new Requirement(key, Operator.DOES_NOT_EXIST, Set.of());
      }
      checkKey(token);
      String ahead = peek();
      if (ahead.isEmpty() || ahead.equals(",")) {
        return new Requirement(token, Operator.EXISTS, Set.of());
      }
      String operator = next();
      return switch (operator) {
        case "in" -> new Requirement(token, Operator.IN, values(token));
        case "notin" -> new Requirement(token, Operator.NOT_IN, values(token));
        case "=", "==" -> new Requirement(token, Operator.EQUALS, Set.of(exact(token)));
        case "!=" -> new Requirement(token, Operator.NOT_EQUALS, Set.of(exact(token)));
        case ">" -> new Requirement(token, Operator.GREATER, Set.of(number(token)));
        case "<" -> new Requirement(token, Operator.LESS, Set.of(number(token)));
        default ->
            throw failure("found '" + operator + "', expected: in, notin, =, ==, !=, gt, lt");
      };
    }

    private Set<String> values(String key) {
      String open = next();
      if (!open.equals("(")) {
        throw failure("found '" + open + "' expected: '('");
      }
      Set<String> values = new TreeSet<>();
      boolean pending = true;
      while (true) {
        String token = next();
        if (token.equals(")")) {
          if (pending) {
            values.add("");
          }
          values.forEach(v -> checkValue(key, v));
          return values;
        }
        if (token.equals(",")) {
          if (pending) {
            values.add("");
          }
          pending = true;
        } else if (isIdentifier(token) && pending) {
          values.add(token);
          pending = false;
        } else {
          String expected = pending ? "',', ')' or identifier" : "',' or ')'";
          throw failure("found '" + token + "', expected: " + expected);
        }
      }
    }

    private String exact(String key) {
      String ahead = peek();
      if (ahead.isEmpty() || ahead.equals(",")) {
        return "";
      }
      String value = next();
      if (!isIdentifier(value)) {
        throw failure("found '" + value + "', expected: identifier");
      }
      checkValue(key, value);
      return value;
    }

    private String number(String key) {
      String value = exact(key);
      try {
        return Long.toString(Long.parseLong(value));
      } catch (NumberFormatException e) {
        throw failure(
            "values[0]: Invalid value: \""
                + value
                + "\": for 'Gt', 'Lt' operators, the value must be an integer");
      }
    }

    private void checkKey(String key) {
      Names.labelKeyFault(key)
          .ifPresent(
              why -> {
                throw failure("<nil>: Invalid value: \"" + key + "\": " + why);
              });
    }

    private void checkValue(String key, String value) {
      Names.labelValueFault(value)
          .ifPresent(
              why -> {
                throw failure("values[0][" + key + "]: Invalid value: \"" + value + "\": " + why);
              });
    }

    private static boolean isIdentifier(String token) {
      return !token.isEmpty() && SPECIAL.indexOf(token.charAt(0)) < 0;
    }

    private String peek() {
      int mark = position;
      String token = next();
      position = mark;
      return token;
    }

    /** The next token, empty at the end. */
    private String next() {
      while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
        position++;
      }
      if (position == text.length()) {
        return "";
      }
      int start = position;
      if (SPECIAL.indexOf(text.charAt(position)) >= 0) {
        position++;
        String two = position < text.length() ? text.substring(start, position + 1) : "";
        if (two.equals("==") || two.equals("!=")) {
          position++;
        }
      } else {
        while (position < text.length()
            && SPECIAL.indexOf(text.charAt(position)) < 0
            && " \t\r\n".indexOf(text.charAt(position)) < 0) {
          position++;
        }
      }
      return text.substring(start, position);
    }

    private static ApiFailure failure(String why) {
      return ApiFailure.badRequest("unable to parse requirement: " + why);
    }
  }
}
