package io.meshward.rules;

import io.meshward.rules.Definition.DetectionDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes detections that can run of definitions: checks them against the rules they refer to. */
final class DetectionCompiler {

  private static final FieldCatalogue CORRELATION_FIELDS =
      FieldCatalogue.builder().field(Detection.COUNT_FIELD, FieldType.UINT64).build();

  private final RuleCollection collection;
  private final Map<String, Rule> rules;
  private final Map<String, FieldCatalogue> catalogues;
  private final Diagnostics diagnostics;

  DetectionCompiler(
      RuleCollection collection,
      Map<String, Rule> rules,
      Map<String, FieldCatalogue> catalogues,
      Diagnostics diagnostics) {
    this.collection = collection;
    this.rules = rules;
    this.catalogues = catalogues;
    this.diagnostics = diagnostics;
  }

  /** The detection, or nothing if it is invalid, or one of its rules is: that is reported. */
  Optional<Detection> compile(DetectionDefinition definition) {
    List<Rule> correlated = new ArrayList<>();
    definition.rules().forEach(name -> rule(name, definition).ifPresent(correlated::add));
    if (correlated.size() < definition.rules().size()) {
      return Optional.empty();
    }
    List<FieldReference> groupBy = new ArrayList<>();
    definition
        .groupBy()
        .forEach(field -> groupField(field, correlated, definition).ifPresent(groupBy::add));
    Optional<OutputFormat> output = output(definition, correlated);
    if (groupBy.size() < definition.groupBy().size() || output.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(detection(definition, correlated, groupBy, output.get()));
  }

  private Optional<Rule> rule(SourceText name, DetectionDefinition definition) {
    Rule rule = rules.get(name.text());
    if (rule != null) {
      if (!rule.enabled()) {
        diagnostics.warning(
            DiagnosticCode.LOAD_DISABLED_REFERENCE,
            label(definition),
            "rule '" + rule.name() + "' is disabled: it will not be counted",
            name.place(0));
      }
    } else if (collection.detections().containsKey(name.text())) {
      error(
          DiagnosticCode.LOAD_ERR_VALIDATE,
          definition,
          "'" + name.text() + "' is a detection: correlating detections is not supported yet",
          name.place(0));
    } else if (!collection.rules().containsKey(name.text())
        && !collection.wasRefused("rule", name.text())) {
      error(
          DiagnosticCode.LOAD_ERR_VALIDATE,
          definition,
          "unknown rule '"
              + name.text()
              + "'"
              + Suggestion.didYouMean(name.text(), collection.rules().keySet()),
          name.place(0));
    }
    return Optional.ofNullable(rule);
  }

  private Optional<FieldReference> groupField(
      SourceText field, List<Rule> correlated, DetectionDefinition definition) {
    Optional<FieldReference> found = Optional.empty();
    for (Rule rule : correlated) {
      try {
        FieldReference reference = catalogue(rule).reference(field.text());
        if (reference.isList()) {
          throw new IllegalArgumentException("it is a list, expected a single value");
        }
        found = Optional.of(reference);
      } catch (IllegalArgumentException e) {
        error(
            DiagnosticCode.LOAD_ERR_VALIDATE,
            definition,
            "cannot group the events of rule '"
                + rule.name()
                + "' (source "
                + rule.source()
                + ") by '"
                + field.text()
                + "': "
                + e.getMessage(),
            field.place(0));
        return Optional.empty();
      }
    }
    return found;
  }

  private FieldCatalogue catalogue(Rule rule) {
    FieldCatalogue catalogue = catalogues.get(rule.source());
    if (catalogue == null) {
      throw new IllegalStateException("rule '" + rule.name() + "' was compiled without catalogue");
    }
    return catalogue;
  }

  private Optional<OutputFormat> output(DetectionDefinition definition, List<Rule> correlated) {
    FieldCatalogue fields =
        correlated.stream()
            .map(this::catalogue)
            .distinct()
            .reduce(CORRELATION_FIELDS, FieldCatalogue::union);
    try {
      return Optional.of(OutputFormat.parse(definition.output().text(), fields));
    } catch (OutputFormatException e) {
      error(
          DiagnosticCode.LOAD_ERR_COMPILE_OUTPUT,
          definition,
          e.getMessage(),
          definition.output().place(e.index()));
      return Optional.empty();
    }
  }

  private static Detection detection(
      DetectionDefinition definition,
      List<Rule> correlated,
      List<FieldReference> groupBy,
      OutputFormat output) {
    String correlation =
        switch (definition.correlation()) {
          case Correlation.EventCount count ->
              String.join(
                  ";",
                  "event_count",
                  count.timespan().toString(),
                  count.condition().toString(),
                  count.fire().toString());
        };
    String version =
        ContentHash.of(
            "detection",
            definition.name(),
            definition.description().text(),
            output.text(),
            definition.priority().longName(),
            definition.tags().stream().sorted().toList(),
            definition.generate(),
            correlation,
            groupBy,
            correlated.stream().map(Rule::version).collect(Collectors.joining(",")));
    return new Detection(
        definition.name(),
        definition.description().text(),
        definition.correlation(),
        groupBy,
        output,
        definition.priority(),
        definition.tags(),
        definition.generate(),
        version);
  }

  private void error(
      DiagnosticCode code, DetectionDefinition definition, String message, Place place) {
    diagnostics.error(code, label(definition), message, place);
  }

  private static String label(DetectionDefinition definition) {
    return "detection '" + definition.name() + "'";
  }
}
