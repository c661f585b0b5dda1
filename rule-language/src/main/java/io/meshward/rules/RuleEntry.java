package io.meshward.rules;

import io.meshward.rules.Definition.Change;
import io.meshward.rules.Definition.ExceptionDefinition;
import io.meshward.rules.Definition.RuleChange;
import io.meshward.rules.Definition.RuleDefinition;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A rule with the changes that later items made. Not thread-safe. */
final class RuleEntry {

  /** The source of a rule that names none, as in Falco. */
  static final String DEFAULT_SOURCE = "syscall";

  private final String name;
  private final Place place;
  private final String source;
  private final boolean sourceGiven;
  private final Diagnostics diagnostics;
  private final List<SourceText> condition = new ArrayList<>();
  private final List<SourceText> output = new ArrayList<>();
  private final List<SourceText> description = new ArrayList<>();
  private final Set<String> tags = new LinkedHashSet<>();
  private final List<RuleException> exceptions = new ArrayList<>();
  private Priority priority;
  private boolean enabled;
  private boolean warnEventTypes;
  private boolean skipIfUnknownFilter;

  RuleEntry(RuleDefinition rule, Diagnostics diagnostics) {
    this.name = rule.name();
    this.place = rule.place();
    this.source = rule.source().orElse(DEFAULT_SOURCE);
    this.sourceGiven = rule.source().isPresent();
    this.diagnostics = diagnostics;
    this.priority = rule.priority();
    this.enabled = rule.enabled();
    this.warnEventTypes = rule.warnEventTypes();
    this.skipIfUnknownFilter = rule.skipIfUnknownFilter();
    condition.add(rule.condition());
    output.add(rule.output());
    description.add(rule.description());
    tags.addAll(rule.tags());
    define(rule.exceptions());
  }

  void apply(RuleChange change) {
    change.condition().ifPresent(text -> join(condition, text));
    change.output().ifPresent(text -> join(output, text));
    change.description().ifPresent(text -> join(description, text));
    change
        .tags()
        .ifPresent(
            changed -> {
              if (!changed.append()) {
                tags.clear();
              }
              tags.addAll(changed.value());
            });
    change
        .exceptions()
        .ifPresent(
            changed -> {
              if (changed.append()) {
                changed.value().forEach(this::append);
              } else {
                exceptions.clear();
                define(changed.value());
              }
            });
    change.priority().ifPresent(value -> priority = value);
    change.enabled().ifPresent(value -> enabled = value);
    change.warnEventTypes().ifPresent(value -> warnEventTypes = value);
    change.skipIfUnknownFilter().ifPresent(value -> skipIfUnknownFilter = value);
  }

  private static void join(List<SourceText> texts, Change<SourceText> change) {
    if (!change.append()) {
      texts.clear();
    }
    texts.add(change.value());
  }

  private void define(List<ExceptionDefinition> definitions) {
    for (ExceptionDefinition definition : definitions) {
      if (exception(definition.name()).isPresent()) {
        diagnostics.warning(
            DiagnosticCode.LOAD_EXCEPTION_NAME_NOT_UNIQUE,
            label(),
            "Multiple definitions of exception '" + definition.name() + "' in the same rule",
            definition.place());
      }
      exceptions.add(new RuleException(definition, label(), diagnostics));
    }
  }

  private void append(ExceptionDefinition definition) {
    if (definition.values().isEmpty()) {
      diagnostics.warning(
          DiagnosticCode.LOAD_APPEND_NO_VALUES,
          label(),
          "Overriding/appending exception with no values",
          definition.place());
    }
    Optional<RuleException> existing = exception(definition.name());
    if (existing.isPresent()) {
      existing.get().append(definition);
    } else if (definition.fields().isEmpty()) {
      refuse(definition, "Rule exception must have fields property with a list of fields");
    } else if (definition.values().isEmpty()) {
      refuse(definition, "Rule exception must have values property with a list of values");
    } else {
      exceptions.add(new RuleException(definition, label(), diagnostics));
    }
  }

  private void refuse(ExceptionDefinition definition, String message) {
    diagnostics.error(
        DiagnosticCode.LOAD_ERR_VALIDATE,
        label() + ", exception '" + definition.name() + "'",
        message,
        definition.place());
  }

  private Optional<RuleException> exception(String exceptionName) {
    return exceptions.stream()
        .filter(exception -> exception.name().equals(exceptionName))
        .findFirst();
  }

  String label() {
    return "rule '" + name + "'";
  }

  String name() {
    return name;
  }

  Place place() {
    return place;
  }

  String source() {
    return source;
  }

  /** Whether the file says the source. */
  boolean sourceGiven() {
    return sourceGiven;
  }

  /** The condition's text and those that were appended. */
  List<SourceText> condition() {
    return condition;
  }

  /** The output's texts, joined by blanks. */
  SourceText output() {
    SplicedText joined = new SplicedText().append(output.getFirst().stripped());
    for (SourceText text : output.subList(1, output.size())) {
      joined.append(" ", text, 0).append(text.stripped());
    }
    return joined.build();
  }

  String description() {
    return description.stream().map(text -> text.text().strip()).collect(Collectors.joining(" "));
  }

  List<String> tags() {
    return List.copyOf(tags);
  }

  List<RuleException> exceptions() {
    return exceptions;
  }

  Priority priority() {
    return priority;
  }

  boolean enabled() {
    return enabled;
  }

  boolean warnEventTypes() {
    return warnEventTypes;
  }

  boolean skipIfUnknownFilter() {
    return skipIfUnknownFilter;
  }
}
