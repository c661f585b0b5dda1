package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The text of a detection, with values of the event in it: {@code %field}, {@code %field[arg]},
 * {@code %tolower(field)}, and {@code %20field} padded with blanks or cut to 20 characters. A
 * missing value shows as {@code <NA>}. There is no escape for {@code %}. Immutable and thread-safe.
 */
public final class OutputFormat {

  /** What a missing value shows as. */
  public static final String MISSING = "<NA>";

  private static final int MAX_WIDTH = 9_999;

  /** A piece of the text. */
  private sealed interface Token {
    record Text(String text) implements Token {}

    record Value(Extraction extraction, OptionalInt width) implements Token {}
  }

  private final String text;
  private final List<Token> tokens;
  private final Set<FieldReference> fields;

  private OutputFormat(String text, List<Token> tokens, Set<FieldReference> fields) {
    this.text = text;
    this.tokens = List.copyOf(tokens);
    this.fields = Set.copyOf(fields);
  }

  /**
   * Parses a format. After a percent sign, the longest text that is a field of the catalogue or a
   * transformer's call is taken.
   *
   * @throws OutputFormatException if the format is empty, or what follows a percent sign is neither
   */
  public static OutputFormat parse(String text, FieldCatalogue catalogue) {
    if (text.isEmpty()) {
      throw new OutputFormatException("empty output format", 0);
    }
    Parser parser = new Parser(text, catalogue);
    return new OutputFormat(text, parser.parse(), parser.expressions.fields());
  }

  /** The format's text as it was written. */
  public String text() {
    return text;
  }

  /** Every field that may be asked for. */
  public Set<FieldReference> fields() {
    return fields;
  }

  /** The text with the event's values. */
  public String render(FieldSource event) {
    StringBuilder rendered = new StringBuilder();
    for (Token token : tokens) {
      switch (token) {
        case Token.Text(String literal) -> rendered.append(literal);
        case Token.Value(Extraction extraction, OptionalInt width) -> {
          Object value = extraction.extract(event);
          String shown = value == null ? MISSING : FieldValue.render(value);
          rendered.append(width.isPresent() ? fitted(shown, width.getAsInt()) : shown);
        }
      }
    }
    return rendered.toString();
  }

  private static String fitted(String shown, int width) {
    int length = shown.codePointCount(0, shown.length());
    return length >= width
        ? shown.substring(0, shown.offsetByCodePoints(0, width))
        : shown + " ".repeat(width - length);
  }

  @Override
  public String toString() {
    return text;
  }

  /** Splits a format into tokens. */
  private static final class Parser {

    private final String text;
    private final FieldCatalogue catalogue;
    private final ExpressionCompiler expressions;
    private final List<Token> tokens = new ArrayList<>();

    Parser(String text, FieldCatalogue catalogue) {
      this.text = text;
      this.catalogue = catalogue;
      this.expressions = new ExpressionCompiler(catalogue);
    }

    List<Token> parse() {
      int start = text.startsWith("*") ? 1 : 0;
      while (start < text.length()) {
        int percent = text.indexOf('%', start);
        int end = percent < 0 ? text.length() : percent;
        if (end > start) {
          tokens.add(new Token.Text(text.substring(start, end)));
        }
        start = percent < 0 ? end : value(percent);
      }
      return tokens;
    }

    private int value(int percent) {
      int start = percent + 1;
      int end = start;
      while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
        end++;
      }
      if (end == text.length()) {
        throw new OutputFormatException(
            "invalid formatting token: the format ends after '"
                + text.substring(percent)
                + "', expected a field",
            percent);
      }
      ConditionParser.Parsed parsed = longestExpression(percent, end);
      try {
        tokens.add(
            new Token.Value(expressions.compile(parsed.expression()), width(start, end, percent)));
      } catch (IllegalArgumentException e) {
        throw new OutputFormatException(
            "invalid formatting token '%"
                + text.substring(start, parsed.end())
                + "': "
                + e.getMessage(),
            percent);
      }
      return parsed.end();
    }

    private OptionalInt width(int start, int end, int percent) {
      if (end == start) {
        return OptionalInt.empty();
      }
      String digits = text.substring(start, end);
      if (digits.length() > 4) {
        throw new OutputFormatException(
            "invalid formatting token: width " + digits + ", at most " + MAX_WIDTH, percent);
      }
      return OptionalInt.of(Integer.parseInt(digits));
    }

    /** A field's name that the catalogue lacks may still start with one that it has. */
    private ConditionParser.Parsed longestExpression(int percent, int start) {
      ConditionParser.Parsed parsed;
      try {
        parsed =
            ConditionParser.parseExpressionAt(SourceText.of(text), start)
                .orElseThrow(
                    () ->
                        new OutputFormatException(
                            "invalid formatting token: expected a field or a transformer after '%'",
                            percent));
      } catch (ConditionSyntaxException e) {
        throw new OutputFormatException("invalid formatting token: " + e.getMessage(), e.index());
      }
      if (parsed.expression() instanceof Expression.Field field
          && catalogue.find(field.name()).isEmpty()) {
        String name = field.name();
        for (int length = name.length() - 1; length > 0; length--) {
          String shorter = name.substring(0, length);
          if (catalogue.defines(shorter)) {
            return new ConditionParser.Parsed(new Expression.Field(shorter), start + length);
          }
        }
      }
      return parsed;
    }
  }
}
