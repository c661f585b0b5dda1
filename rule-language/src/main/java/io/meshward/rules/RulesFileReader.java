package io.meshward.rules;

import io.meshward.rules.Definition.ListDefinition;
import io.meshward.rules.Definition.MacroDefinition;
import io.meshward.rules.Definition.Mode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Reads the items of one rules file in order. One use per file. */
final class RulesFileReader {

  private static final Pattern LIST_NAME = Pattern.compile("[^()\"'\\s=,]+");
  private static final Set<String> LIST_KEYS = Set.of("list", "items", "append", "override");
  private static final Set<String> MACRO_KEYS = Set.of("macro", "condition", "append", "override");
  private static final Set<String> PLUGIN_KEYS = Set.of("name", "version", "alternatives");

  private final Dialect dialect;
  private final Diagnostics diagnostics;
  private final Predicate<YamlValue.Mapping> foreign;
  private final List<Definition> definitions = new ArrayList<>();

  RulesFileReader(Dialect dialect, Diagnostics diagnostics) {
    this(dialect, diagnostics, mapping -> false);
  }

  /**
   * A reader of files that hold items of another form too.
   *
   * @param foreign takes an item that is one of those
   */
  RulesFileReader(Dialect dialect, Diagnostics diagnostics, Predicate<YamlValue.Mapping> foreign) {
    this.dialect = dialect;
    this.diagnostics = diagnostics;
    this.foreign = foreign;
  }

  /** The valid items; others are reported. */
  List<Definition> read(FileText file) {
    for (YamlValue document : new YamlReader(file, diagnostics).documents()) {
      switch (document) {
        case YamlValue.Sequence sequence -> sequence.elements().forEach(this::item);
        case YamlValue.Scalar scalar when scalar.isNull() -> {}
        default ->
            invalid(
                "Rules content is not yaml array of objects: it is " + document.kind(),
                document.place());
      }
    }
    return definitions;
  }

  private void invalid(String message, Place place) {
    diagnostics.error(DiagnosticCode.LOAD_ERR_YAML_VALIDATE, "", message, place);
  }

  private void item(YamlValue value) {
    if (value instanceof YamlValue.Scalar scalar && scalar.isNull()) {
      return;
    }
    if (!(value instanceof YamlValue.Mapping mapping)) {
      invalid(
          "Unexpected element type: it is "
              + value.kind()
              + ". Each element should be a yaml associative array.",
          value.place());
      return;
    }
    if (foreign.test(mapping)) {
      return;
    }
    if (mapping.has("required_engine_version")) {
      engineVersion(new Item("required_engine_version", mapping, diagnostics));
    } else if (mapping.has("required_plugin_versions")) {
      pluginVersions(new Item("required_plugin_versions", mapping, diagnostics));
    } else if (mapping.has("list")) {
      definition("list", mapping, RulesFileReader::list);
    } else if (mapping.has("macro")) {
      definition("macro", mapping, RulesFileReader::macro);
    } else if (mapping.has("rule")) {
      definition("rule", mapping, (item, name) -> new RuleItemReader(item, name).read());
    } else if (mapping.has("detection") && dialect == Dialect.MESHWARD) {
      definition("detection", mapping, (item, name) -> new DetectionItemReader(item, name).read());
    } else {
      diagnostics.warning(
          DiagnosticCode.LOAD_UNKNOWN_ITEM,
          "",
          "Unknown top level item: expected one of list, macro, rule, detection, found "
              + mapping.entries().keySet(),
          mapping.place());
    }
  }

  /** Adds what an item defines, if its name is a text. */
  private void definition(
      String kind,
      YamlValue.Mapping mapping,
      BiFunction<Item, String, Optional<Definition>> reader) {
    Item unnamed = new Item(kind, mapping, diagnostics);
    Optional<String> name = unnamed.text(kind).map(SourceText::text);
    if (name.isEmpty()) {
      return;
    }
    Item item = new Item(kind + " '" + name.get() + "'", mapping, diagnostics);
    definitions.add(
        reader
            .apply(item, name.get())
            .orElseGet(() -> new Definition.Refused(kind, name.get(), item.placeOf(kind))));
  }

  private static Optional<Definition> list(Item item, String name) {
    item.warnUnknownKeys(LIST_KEYS);
    if (!LIST_NAME.matcher(name).matches()) {
      item.warning(
          DiagnosticCode.LOAD_INVALID_LIST_NAME,
          "List has an invalid name. List names should match a regular expression: " + LIST_NAME,
          "list");
    }
    item.require("items");
    Optional<List<SourceText>> items = item.texts("items");
    Mode mode = OverrideReader.mode(item, "items");
    return items
        .filter(texts -> !item.failed())
        .map(texts -> new ListDefinition(name, item.placeOf("list"), texts, mode));
  }

  private static Optional<Definition> macro(Item item, String name) {
    item.warnUnknownKeys(MACRO_KEYS);
    if (!ConditionLexer.isIdentifier(name)) {
      item.warning(
          DiagnosticCode.LOAD_INVALID_MACRO_NAME,
          "Macro has an invalid name. Macro names should match a regular expression:"
              + " [a-zA-Z]+[a-zA-Z0-9_]*",
          "macro");
    }
    item.require("condition");
    Optional<SourceText> condition = item.text("condition");
    Mode mode = OverrideReader.mode(item, "condition");
    return condition
        .filter(text -> !item.failed())
        .map(text -> new MacroDefinition(name, item.placeOf("macro"), text, mode));
  }

  private static void engineVersion(Item item) {
    Optional<SourceText> text = item.text("required_engine_version");
    if (text.isEmpty()) {
      return;
    }
    Optional<EngineVersion> required = EngineVersion.parse(text.get().text());
    if (required.isEmpty()) {
      item.error(
          "Unable to parse engine version '"
              + text.get().text()
              + "' as a semver string. Expected \"x.y.z\" semver format.",
          "required_engine_version");
    } else if (!EngineVersion.CURRENT.isCompatibleWith(required.get())) {
      item.error(
          "Rules require engine version "
              + required.get()
              + ", but engine version is "
              + EngineVersion.CURRENT,
          "required_engine_version");
    }
  }

  private void pluginVersions(Item item) {
    for (YamlValue.Mapping requirement : plugins(item, "required_plugin_versions")) {
      Item plugin = new Item(item.label(), requirement, diagnostics);
      plugin.warnUnknownKeys(PLUGIN_KEYS);
      Set<String> names = new HashSet<>();
      plugin(plugin, names);
      for (YamlValue.Mapping alternative : plugins(plugin, "alternatives")) {
        plugin(new Item(item.label(), alternative, diagnostics), names);
      }
    }
  }

  private static void plugin(Item plugin, Set<String> names) {
    plugin.require("name");
    plugin.require("version");
    Optional<SourceText> named = plugin.text("name");
    named
        .filter(name -> !names.add(name.text()))
        .ifPresent(
            name ->
                plugin.error(
                    "Defined multiple alternative version requirements for plugin '"
                        + name.text()
                        + "'",
                    "name"));
    plugin
        .text("version")
        .filter(version -> EngineVersion.semantic(version.text()).isEmpty())
        .ifPresent(
            version ->
                plugin.error(
                    "Invalid required version '"
                        + version.text()
                        + "'"
                        + named.map(name -> " for plugin '" + name.text() + "'").orElse("")
                        + ": expected x.y.z",
                    "version"));
  }

  private static List<YamlValue.Mapping> plugins(Item item, String key) {
    List<YamlValue.Mapping> plugins = new ArrayList<>();
    item.mapping()
        .get(key)
        .ifPresent(
            value -> {
              if (!(value instanceof YamlValue.Sequence(List<YamlValue> elements, Place place))) {
                item.error("Value of " + key + " must be a sequence", key);
                return;
              }
              for (YamlValue element : elements) {
                if (element instanceof YamlValue.Mapping mapping) {
                  plugins.add(mapping);
                } else {
                  item.error(
                      "an element of '" + key + "' is " + element.kind() + ", expected a mapping",
                      element.place());
                }
              }
            });
    return plugins;
  }
}
