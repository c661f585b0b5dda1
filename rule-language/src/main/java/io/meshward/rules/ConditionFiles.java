package io.meshward.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Files that hold lists, macros and items of another form whose texts may be conditions, such as
 * playbooks. Lists and macros are those of Meshward's dialect. Everything that is wrong is
 * collected, with its place. Not thread-safe.
 */
public final class ConditionFiles {

  private final FieldCatalogue fields;
  private final Diagnostics diagnostics = new Diagnostics();
  private final List<ItemNode> items = new ArrayList<>();
  private final ConditionAssembly assembly;
  private final MacroResolver macros;

  private ConditionFiles(List<RuleFile> files, String kind, FieldCatalogue fields) {
    this.fields = fields;
    RuleCollection collection = new RuleCollection(diagnostics);
    for (int number = 0; number < files.size(); number++) {
      FileText file = new FileText(files.get(number), number);
      new RulesFileReader(Dialect.MESHWARD, diagnostics, mapping -> take(mapping, kind))
          .read(file)
          .forEach(collection::add);
    }
    collection.rules().values().forEach(rule -> unexpected(rule.label(), kind, rule.place()));
    collection
        .detections()
        .values()
        .forEach(
            detection ->
                unexpected("detection '" + detection.name() + "'", kind, detection.place()));
    this.assembly = ConditionAssembly.of(Dialect.MESHWARD, collection);
    this.macros = new MacroResolver(collection, assembly, diagnostics);
    macros.resolveAll();
  }

  /**
   * Reads files.
   *
   * @param files in the order in which later ones may change lists and macros of earlier ones
   * @param kind the key that tells an item of the other form
   * @param fields what conditions may ask for
   */
  public static ConditionFiles read(List<RuleFile> files, String kind, FieldCatalogue fields) {
    return new ConditionFiles(files, kind, fields);
  }

  private boolean take(YamlValue.Mapping mapping, String kind) {
    if (mapping.has(kind)) {
      items.add(new ItemNode(mapping));
    }
    return mapping.has(kind);
  }

  private void unexpected(String item, String kind, Place place) {
    diagnostics.error(
        DiagnosticCode.LOAD_ERR_VALIDATE,
        item,
        "not expected here: expected list, macro or " + kind,
        place);
  }

  /** The items of the other form, in the order of files and lines. */
  public List<ItemNode> items() {
    return List.copyOf(items);
  }

  /**
   * The condition that a text is.
   *
   * @param item what messages call the item, {@code playbook 'frontend'}
   * @return empty if it is none: that is reported
   */
  public Optional<CompiledCondition> condition(ItemNode text, String item) {
    return condition(List.of(text), List.of(), item);
  }

  /**
   * The condition that a text, those that were appended to it and exceptions make together.
   *
   * @param parts the text, then what was appended to it, each with {@code and} or {@code or}
   * @param exceptions sequences of exceptions as rules have them; a later one of the same name adds
   *     values to the first
   * @param item what messages call the item, {@code playbook 'frontend'}
   * @return empty if it is none: that is reported
   */
  public Optional<CompiledCondition> condition(
      List<ItemNode> parts, List<ItemNode> exceptions, String item) {
    List<SourceText> texts = new ArrayList<>();
    for (ItemNode part : parts) {
      if (!(part.value() instanceof YamlValue.Scalar scalar) || scalar.isNull()) {
        error(part, item, "it is " + part.kind() + ", expected a condition");
        return Optional.empty();
      }
      texts.add(scalar.text());
    }
    List<SourceText> excluded =
        exceptions(exceptions, item).stream()
            .flatMap(exception -> exception.condition(Dialect.MESHWARD).stream())
            .toList();
    ItemNode text = parts.getFirst();
    try {
      Condition condition = assembly.assemble(texts, excluded);
      return macros.resolve(condition, item, text.place()).flatMap(c -> compile(c, text, item));
    } catch (ConditionSyntaxException e) {
      diagnostics.error(
          DiagnosticCode.LOAD_ERR_COMPILE_CONDITION,
          item,
          String.valueOf(e.getMessage()),
          e.position().place().orElse(text.place()));
      return Optional.empty();
    }
  }

  private Collection<RuleException> exceptions(List<ItemNode> sequences, String label) {
    Map<String, RuleException> exceptions = new LinkedHashMap<>();
    for (ItemNode node : sequences) {
      Item item =
          new Item(
              label,
              new YamlValue.Mapping(
                  Map.of(ExceptionItems.KEY, node.value()), Map.of(), node.place()),
              diagnostics);
      for (Definition.ExceptionDefinition definition : ExceptionItems.read(item)) {
        RuleException existing = exceptions.get(definition.name());
        if (existing == null) {
          exceptions.put(definition.name(), new RuleException(definition, label, diagnostics));
        } else {
          existing.append(definition);
        }
      }
    }
    return exceptions.values();
  }

  private Optional<CompiledCondition> compile(Condition condition, ItemNode text, String item) {
    try {
      CompiledCondition compiled = ConditionCompiler.compile(condition, fields);
      for (ConditionProblem warning : compiled.warnings()) {
        diagnostics.warning(
            warning.code(),
            item,
            warning.message(),
            warning.position().place().orElse(text.place()));
      }
      return Optional.of(compiled);
    } catch (ConditionCompileException e) {
      for (ConditionProblem problem : e.problems()) {
        diagnostics.error(
            problem.code(),
            item,
            problem.message(),
            problem.position().place().orElse(text.place()));
      }
      return Optional.empty();
    }
  }

  /** Says that something is wrong with a value. */
  public void error(ItemNode node, String item, String message) {
    diagnostics.error(DiagnosticCode.LOAD_ERR_VALIDATE, item, message, node.place());
  }

  /** Everything found so far, in the order of files and lines. */
  public List<Diagnostic> diagnostics() {
    return diagnostics.sorted();
  }

  /** Whether anything is wrong, rather than merely suspicious. */
  public boolean hasErrors() {
    return diagnostics.hasErrors();
  }
}
