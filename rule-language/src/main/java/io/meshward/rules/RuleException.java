package io.meshward.rules;

import io.meshward.rules.Definition.ExceptionDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An exception of a rule: fields, how they are compared, and the values for which the rule does not
 * match. Values may be appended. Not thread-safe.
 */
final class RuleException {

  /** What its values look like. */
  private sealed interface Shape {

    /** One field and a list of values for it. */
    record Single(SourceText field, ComparisonWords words) implements Shape {}

    /** Several fields and a list of rows with one value for each. */
    record Tuple(List<SourceText> fields, List<ComparisonWords> words) implements Shape {}
  }

  private final String name;
  private final Place place;
  private final String ruleLabel;
  private final Diagnostics diagnostics;
  private final Optional<Shape> shape;
  private final List<YamlValue> rows = new ArrayList<>();

  RuleException(ExceptionDefinition definition, String ruleLabel, Diagnostics diagnostics) {
    this.name = definition.name();
    this.place = definition.place();
    this.ruleLabel = ruleLabel;
    this.diagnostics = diagnostics;
    this.shape = shape(definition);
    definition.values().ifPresent(this::addRows);
  }

  String name() {
    return name;
  }

  void append(ExceptionDefinition definition) {
    if (definition.fields().isPresent()) {
      error(
          "Can not append exception fields to existing exception, only values", definition.place());
    }
    if (definition.comparisons().isPresent()) {
      error(
          "Can not append exception comps to existing exception, only values", definition.place());
    }
    definition.values().ifPresent(this::addRows);
  }

  /** The fields, which may be transformers' calls. */
  List<SourceText> fields() {
    return switch (shape.orElse(null)) {
      case null -> List.of();
      case Shape.Single single -> List.of(single.field());
      case Shape.Tuple tuple -> tuple.fields();
    };
  }

  /** The condition {@code not (…)} that excludes the values, or nothing if there are none. */
  Optional<SourceText> condition(Dialect dialect) {
    if (rows.isEmpty() || shape.isEmpty()) {
      return Optional.empty();
    }
    ExceptionText text = new ExceptionText(dialect);
    switch (shape.get()) {
      case Shape.Single(SourceText field, ComparisonWords words) -> text.single(field, words, rows);
      case Shape.Tuple(List<SourceText> fields, List<ComparisonWords> words) ->
          text.tuples(fields, words, rows);
    }
    return Optional.of(text.build());
  }

  private Optional<Shape> shape(ExceptionDefinition definition) {
    return switch (definition.fields().orElse(null)) {
      case null -> {
        error(
            "Item has no mapping for key 'fields'. Rule exception must have fields property with a"
                + " list of fields",
            place);
        yield Optional.empty();
      }
      case YamlValue.Scalar scalar -> single(scalar.text(), definition);
      case YamlValue.Sequence sequence -> tuple(sequence, definition);
      case YamlValue.Mapping mapping -> {
        error("fields is a mapping, expected a text or a sequence", mapping.place());
        yield Optional.empty();
      }
    };
  }

  private Optional<Shape> single(SourceText field, ExceptionDefinition definition) {
    YamlValue comparison = definition.comparisons().orElse(null);
    Optional<ComparisonWords> words =
        switch (comparison) {
          case null -> ComparisonWords.parse("in");
          case YamlValue.Scalar scalar -> ComparisonWords.parse(scalar.text().text());
          case YamlValue.Sequence sequence -> Optional.empty();
          case YamlValue.Mapping mapping -> Optional.empty();
        };
    Optional<ComparisonWords> list = words.filter(ComparisonWords::takesList);
    if (list.isEmpty() && comparison != null) {
      error(
          comparison instanceof YamlValue.Scalar
              ? "When fields is a single value, comps must be one of (in, pmatch, intersects), or a"
                  + " string operator with oneof, anyof or allof: found "
                  + comparison.kind()
              : "Fields and comps must both be strings",
          comparison.place());
    }
    return list.map(found -> new Shape.Single(field, found));
  }

  private Optional<Shape> tuple(YamlValue.Sequence fields, ExceptionDefinition definition) {
    List<SourceText> fieldTexts = texts("fields", fields);
    List<ComparisonWords> words = new ArrayList<>();
    YamlValue comparisons = definition.comparisons().orElse(null);
    switch (comparisons) {
      case null -> fieldTexts.forEach(field -> ComparisonWords.parse("=").ifPresent(words::add));
      case YamlValue.Sequence sequence -> {
        List<SourceText> texts = texts("comps", sequence);
        for (SourceText text : texts) {
          ComparisonWords.parse(text.text())
              .ifPresentOrElse(
                  words::add,
                  () ->
                      error(
                          "'" + text.text() + "' is not a supported comparison operator",
                          text.place(0)));
        }
        if (texts.size() != fieldTexts.size()) {
          error("Fields and comps lists must have equal length", sequence.place());
        }
      }
      case YamlValue.Scalar scalar ->
          error("fields is a sequence, so comps must be one too", scalar.place());
      case YamlValue.Mapping mapping ->
          error("fields is a sequence, so comps must be one too", mapping.place());
    }
    if (fieldTexts.isEmpty()) {
      error("fields is empty, expected at least one field", fields.place());
    }
    return !fieldTexts.isEmpty() && words.size() == fieldTexts.size()
        ? Optional.of(new Shape.Tuple(fieldTexts, words))
        : Optional.empty();
  }

  private List<SourceText> texts(String key, YamlValue.Sequence sequence) {
    List<SourceText> texts = new ArrayList<>();
    for (YamlValue element : sequence.elements()) {
      if (element instanceof YamlValue.Scalar scalar) {
        texts.add(scalar.text());
      } else {
        error(
            "an element of " + key + " is " + element.kind() + ", expected a text",
            element.place());
      }
    }
    return texts;
  }

  private void addRows(YamlValue values) {
    if (!(values instanceof YamlValue.Sequence sequence)) {
      error("Rule exception values must be a sequence: found " + values.kind(), values.place());
      return;
    }
    for (YamlValue row : sequence.elements()) {
      String problem =
          switch (shape.orElse(null)) {
            case null -> "";
            case Shape.Single single ->
                row instanceof YamlValue.Scalar
                    ? ""
                    : "Expected values array to contain a list of strings: found " + row.kind();
            case Shape.Tuple tuple -> tupleProblem(row, tuple.fields().size());
          };
      if (problem.isEmpty()) {
        rows.add(row);
      } else {
        error(problem, row.place());
      }
    }
  }

  private static String tupleProblem(YamlValue row, int fields) {
    if (!(row instanceof YamlValue.Sequence(List<YamlValue> values, Place rowPlace))) {
      return "Expected values array to contain a list of lists: found " + row.kind();
    }
    if (values.size() != fields) {
      return "Fields and values lists must have equal length";
    }
    boolean flat =
        values.stream()
            .allMatch(
                value ->
                    switch (value) {
                      case YamlValue.Scalar scalar -> true;
                      case YamlValue.Sequence(List<YamlValue> elements, Place at) ->
                          elements.stream().allMatch(YamlValue.Scalar.class::isInstance);
                      case YamlValue.Mapping mapping -> false;
                    });
    return flat ? "" : "A value of an exception is neither a text nor a list of texts";
  }

  private void error(String message, Place at) {
    diagnostics.error(
        DiagnosticCode.LOAD_ERR_VALIDATE, ruleLabel + ", exception '" + name + "'", message, at);
  }
}
