package io.meshward.rules;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Loads rules files: lists, macros, rules and detections, with later definitions changing earlier
 * ones. Files are loaded together or not at all, and every error is found, not only the first.
 */
public final class RuleLoader {

  private RuleLoader() {}

  /**
   * Loads files in Meshward's dialect.
   *
   * @param files in the order in which later ones may change what earlier ones define
   * @param catalogues the fields of each event source, by the source's name
   */
  public static LoadResult load(List<RuleFile> files, Map<String, FieldCatalogue> catalogues) {
    return load(files, catalogues, Dialect.MESHWARD);
  }

  /**
   * Loads files.
   *
   * @param files in the order in which later ones may change what earlier ones define
   * @param catalogues the fields of each event source, by the source's name
   */
  public static LoadResult load(
      List<RuleFile> files, Map<String, FieldCatalogue> catalogues, Dialect dialect) {
    Diagnostics diagnostics = new Diagnostics();
    RuleCollection collection = new RuleCollection(diagnostics);
    for (int number = 0; number < files.size(); number++) {
      FileText file = new FileText(files.get(number), number);
      new RulesFileReader(dialect, diagnostics).read(file).forEach(collection::add);
    }
    RuleSet rules = compile(collection, Map.copyOf(catalogues), dialect, diagnostics);
    List<Diagnostic> found = diagnostics.sorted();
    return diagnostics.hasErrors()
        ? new LoadResult.Rejected(found)
        : new LoadResult.Loaded(rules, found);
  }

  private static RuleSet compile(
      RuleCollection collection,
      Map<String, FieldCatalogue> catalogues,
      Dialect dialect,
      Diagnostics diagnostics) {
    ConditionAssembly assembly = ConditionAssembly.of(dialect, collection);
    MacroResolver macros = new MacroResolver(collection, assembly, diagnostics);
    RuleCompiler compiler = new RuleCompiler(catalogues, dialect, assembly, macros, diagnostics);
    Map<String, Rule> rules = new LinkedHashMap<>();
    for (RuleEntry entry : collection.rules().values()) {
      compiler.compile(entry).ifPresent(rule -> rules.put(rule.name(), rule));
    }
    macros.resolveAll();
    warnUnused(collection, macros.used(), assembly.usedLists(), diagnostics);
    DetectionCompiler detectionCompiler =
        new DetectionCompiler(collection, rules, catalogues, diagnostics);
    List<Detection> detections = new ArrayList<>();
    collection
        .detections()
        .values()
        .forEach(definition -> detectionCompiler.compile(definition).ifPresent(detections::add));
    return new RuleSet(List.copyOf(rules.values()), detections);
  }

  private static void warnUnused(
      RuleCollection collection,
      Set<String> usedMacros,
      Set<String> usedLists,
      Diagnostics diagnostics) {
    for (RuleCollection.MacroEntry macro : collection.macros().values()) {
      if (!usedMacros.contains(macro.name())) {
        diagnostics.warning(
            DiagnosticCode.LOAD_UNUSED_MACRO,
            "macro '" + macro.name() + "'",
            "Macro not referred to by any other rule/macro",
            macro.place());
      }
    }
    for (RuleCollection.ListEntry list : collection.lists().values()) {
      if (!usedLists.contains(list.name())) {
        diagnostics.warning(
            DiagnosticCode.LOAD_UNUSED_LIST,
            "list '" + list.name() + "'",
            "List not referred to by any other rule/macro/list",
            list.place());
      }
    }
  }
}
