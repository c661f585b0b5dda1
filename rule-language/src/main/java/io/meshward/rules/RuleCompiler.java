package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes rules that can run of entries: resolves, compiles and checks each. */
final class RuleCompiler {

  private final Map<String, FieldCatalogue> catalogues;
  private final Dialect dialect;
  private final ConditionAssembly assembly;
  private final MacroResolver macros;
  private final Diagnostics diagnostics;

  RuleCompiler(
      Map<String, FieldCatalogue> catalogues,
      Dialect dialect,
      ConditionAssembly assembly,
      MacroResolver macros,
      Diagnostics diagnostics) {
    this.catalogues = catalogues;
    this.dialect = dialect;
    this.assembly = assembly;
    this.macros = macros;
    this.diagnostics = diagnostics;
  }

  /** The rule, or nothing if it is invalid or skipped: that is reported. */
  Optional<Rule> compile(RuleEntry entry) {
    FieldCatalogue catalogue = catalogues.get(entry.source());
    if (catalogue == null) {
      unknownSource(entry);
      return Optional.empty();
    }
    checkExceptionFields(entry, catalogue);
    Optional<Condition> resolved = resolvedCondition(entry);
    List<ConditionProblem> problems = new ArrayList<>();
    Optional<CompiledCondition> condition =
        resolved.flatMap(found -> compiled(found, catalogue, problems));
    Optional<OutputFormat> output = output(entry, catalogue, problems);
    if (!problems.isEmpty()) {
      report(entry, problems);
    }
    if (condition.isEmpty() || output.isEmpty()) {
      return Optional.empty();
    }
    warn(entry, condition.get(), output.get());
    return Optional.of(rule(entry, condition.get(), output.get()));
  }

  private void unknownSource(RuleEntry entry) {
    switch (dialect) {
      case FALCO ->
          diagnostics.warning(
              DiagnosticCode.LOAD_UNKNOWN_SOURCE,
              entry.label(),
              "Unknown source " + entry.source() + ", skipping",
              entry.place());
      case MESHWARD ->
          diagnostics.error(
              DiagnosticCode.LOAD_ERR_VALIDATE,
              entry.label(),
              (entry.sourceGiven()
                      ? "Unknown source '" + entry.source() + "'"
                      : "the rule names no source, and '" + entry.source() + "' is unknown")
                  + ": expected one of "
                  + catalogues.keySet().stream().sorted().collect(Collectors.joining(", ")),
              entry.place());
    }
  }

  private void checkExceptionFields(RuleEntry entry, FieldCatalogue catalogue) {
    for (RuleException exception : entry.exceptions()) {
      for (SourceText field : exception.fields()) {
        try {
          new ExpressionCompiler(catalogue).compile(ConditionParser.parseExpression(field));
        } catch (ConditionSyntaxException | IllegalArgumentException e) {
          diagnostics.error(
              DiagnosticCode.LOAD_ERR_VALIDATE,
              entry.label() + ", exception '" + exception.name() + "'",
              "'" + field.text() + "' is not a supported filter field: " + e.getMessage(),
              field.place(0));
        }
      }
    }
  }

  private Optional<Condition> resolvedCondition(RuleEntry entry) {
    List<SourceText> exceptions =
        entry.exceptions().stream()
            .flatMap(exception -> exception.condition(dialect).stream())
            .toList();
    try {
      Condition condition = assembly.assemble(entry.condition(), exceptions);
      return macros.resolve(condition, entry.label(), entry.place());
    } catch (ConditionSyntaxException e) {
      diagnostics.error(
          DiagnosticCode.LOAD_ERR_COMPILE_CONDITION,
          entry.label(),
          e.getMessage(),
          e.position().place().orElse(entry.place()));
      return Optional.empty();
    }
  }

  private Optional<CompiledCondition> compiled(
      Condition condition, FieldCatalogue catalogue, List<ConditionProblem> problems) {
    try {
      return Optional.of(ConditionCompiler.compile(condition, catalogue, dialect));
    } catch (ConditionCompileException e) {
      problems.addAll(e.problems());
      return Optional.empty();
    }
  }

  private Optional<OutputFormat> output(
      RuleEntry entry, FieldCatalogue catalogue, List<ConditionProblem> problems) {
    SourceText text =
        dialect == Dialect.FALCO
            ? FalcoDoubts.withoutContainerInfo(entry, diagnostics)
            : entry.output();
    try {
      return Optional.of(OutputFormat.parse(text.text(), catalogue));
    } catch (OutputFormatException e) {
      problems.add(
          new ConditionProblem(
              DiagnosticCode.LOAD_ERR_COMPILE_OUTPUT,
              e.getMessage(),
              new Position(text, e.index())));
      return Optional.empty();
    }
  }

  /** Unknown fields are no errors for a rule that says so: it is skipped. */
  private void report(RuleEntry entry, List<ConditionProblem> problems) {
    boolean skip =
        entry.skipIfUnknownFilter()
            && problems.stream().allMatch(problem -> isUnknownFilter(problem.message()));
    for (ConditionProblem problem : problems) {
      Place place = problem.position().place().orElse(entry.place());
      if (skip) {
        diagnostics.warning(
            DiagnosticCode.LOAD_UNKNOWN_FILTER, entry.label(), problem.message(), place);
      } else {
        diagnostics.error(problem.code(), entry.label(), problem.message(), place);
      }
    }
  }

  private static boolean isUnknownFilter(String message) {
    return message.contains("nonexistent field") || message.contains("invalid formatting token");
  }

  private void warn(RuleEntry entry, CompiledCondition condition, OutputFormat output) {
    for (ConditionProblem warning : condition.warnings()) {
      diagnostics.warning(
          warning.code(),
          entry.label(),
          warning.message(),
          warning.position().place().orElse(entry.place()));
    }
    if (dialect == Dialect.FALCO) {
      FalcoDoubts.warn(entry, condition, output, diagnostics);
    }
  }

  private static Rule rule(RuleEntry entry, CompiledCondition condition, OutputFormat output) {
    return new Rule(
        entry.name(),
        entry.description(),
        entry.source(),
        entry.condition().stream().map(SourceText::text).collect(Collectors.joining(" ")).strip(),
        condition,
        output,
        entry.priority(),
        entry.tags(),
        entry.enabled(),
        ContentHash.of(
            "rule",
            entry.name(),
            entry.source(),
            condition.condition().canonical(),
            output.text(),
            entry.priority().longName(),
            entry.tags().stream().sorted().toList(),
            entry.description()));
  }
}
