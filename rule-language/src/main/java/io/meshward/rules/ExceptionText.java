package io.meshward.rules;

import java.util.List;

/**
 * Writes the condition that an exception means, {@code not (proc.name in (a, b))}, so that each
 * part keeps its place in the file. One use per exception.
 */
final class ExceptionText {

  private final Dialect dialect;
  private final SplicedText text = new SplicedText();

  ExceptionText(Dialect dialect) {
    this.dialect = dialect;
  }

  SourceText build() {
    return text.build();
  }

  /** One field and all its values. */
  void single(SourceText field, ComparisonWords words, List<YamlValue> values) {
    text.append("not (", field, 0).append(field).append(" " + words + " ", field, 0);
    list(values, field);
    text.append(")", field, 0);
  }

  /** Rows with one value for each field. */
  void tuples(List<SourceText> fields, List<ComparisonWords> words, List<YamlValue> rows) {
    SourceText first = fields.getFirst();
    text.append("not (", first, 0);
    for (int row = 0; row < rows.size(); row++) {
      text.append(row == 0 ? "(" : " or (", first, 0);
      List<YamlValue> values = ((YamlValue.Sequence) rows.get(row)).elements();
      for (int i = 0; i < fields.size(); i++) {
        SourceText field = fields.get(i);
        text.append(i == 0 ? "" : " and ", field, 0).append(field);
        text.append(" " + words.get(i) + " ", field, 0);
        operand(values.get(i), words.get(i).takesList(), field);
      }
      text.append(")", first, 0);
    }
    text.append(")", first, 0);
  }

  private void operand(YamlValue value, boolean takesList, SourceText field) {
    switch (value) {
      case YamlValue.Sequence sequence -> list(sequence.elements(), field);
      case YamlValue.Scalar scalar when takesList -> listOf(scalar, field);
      case YamlValue.Scalar scalar -> value(scalar.text(), true);
      case YamlValue.Mapping mapping ->
          throw new IllegalStateException("values were checked to be no mappings");
    }
  }

  /** A single text where a list is expected: Falco puts it into parentheses as it is. */
  private void listOf(YamlValue.Scalar scalar, SourceText field) {
    if (scalar.text().text().startsWith("(")) {
      text.append(scalar.text());
    } else if (dialect == Dialect.FALCO) {
      text.append("(", field, 0).append(scalar.text()).append(")", field, 0);
    } else {
      list(List.of(scalar), field);
    }
  }

  private void list(List<YamlValue> values, SourceText field) {
    text.append("(", field, 0);
    for (int i = 0; i < values.size(); i++) {
      SourceText value = ((YamlValue.Scalar) values.get(i)).text();
      text.append(i == 0 ? "" : ", ", value, 0);
      value(value, false);
    }
    text.append(")", field, 0);
  }

  private void value(SourceText value, boolean mayBeLive) {
    String written = written(value.text(), mayBeLive);
    if (written.equals(value.text())) {
      text.append(value);
    } else {
      text.append(written, value, 0);
    }
  }

  /**
   * Falco puts values into the condition as they are, in quotes if they have blanks. Meshward
   * quotes whatever a condition would read otherwise, except a transformer's call or {@code
   * val(…)}.
   */
  private String written(String value, boolean mayBeLive) {
    return switch (dialect) {
      case FALCO -> {
        boolean isQuoted = value.startsWith("\"") || value.startsWith("'");
        yield value.indexOf(' ') >= 0 && !isQuoted ? '"' + value + '"' : value;
      }
      case MESHWARD -> mayBeLive && isLive(value) ? value : CanonicalPrinter.printValue(value);
    };
  }

  private static boolean isLive(String value) {
    boolean field = value.startsWith("val(") && value.endsWith(")");
    try {
      Expression expression =
          ConditionParser.parseExpression(
              SourceText.of(field ? value.substring(4, value.length() - 1) : value));
      return field == expression instanceof Expression.Field;
    } catch (ConditionSyntaxException e) {
      return false;
    }
  }
}
