package io.meshward.rules;

import io.meshward.rules.Definition.Change;
import io.meshward.rules.Definition.ExceptionDefinition;
import io.meshward.rules.Definition.Mode;
import io.meshward.rules.Definition.RuleChange;
import io.meshward.rules.Definition.RuleDefinition;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads an item that defines, changes or switches a rule. One use per item. */
final class RuleItemReader {

  private static final Set<String> REQUIRED = Set.of("condition", "output", "desc", "priority");
  private static final Set<String> APPENDABLE =
      Set.of("condition", "output", "desc", "tags", "exceptions");
  private static final Set<String> REPLACEABLE =
      Set.of(
          "condition",
          "output",
          "desc",
          "tags",
          "exceptions",
          "priority",
          "enabled",
          "capture",
          "capture_duration",
          "warn_evttypes",
          "skip-if-unknown-filter");
  private static final Set<String> KEYS = keys();

  private final Item item;
  private final String name;
  private final Place place;

  RuleItemReader(Item item, String name) {
    this.item = item;
    this.name = name;
    this.place = item.placeOf("rule");
  }

  private static Set<String> keys() {
    Set<String> keys = new HashSet<>(REPLACEABLE);
    keys.addAll(Set.of("rule", "source", "append", "override"));
    return Set.copyOf(keys);
  }

  /** The rule or change, or nothing if the item has errors. */
  Optional<Definition> read() {
    item.warnUnknownKeys(KEYS);
    item.flag("capture");
    item.text("capture_duration")
        .filter(text -> !text.text().matches("[0-9]{1,18}"))
        .ifPresent(
            text ->
                item.error(
                    "'capture_duration' is '"
                        + text.text()
                        + "', expected a number of milliseconds",
                    "capture_duration"));
    boolean append = OverrideReader.isAppend(item);
    Map<String, Mode> overrides = OverrideReader.overrides(item, APPENDABLE, REPLACEABLE, append);
    if (item.failed() && item.has("override")) {
      return Optional.empty();
    }
    boolean switched = item.has("enabled") && REQUIRED.stream().noneMatch(item::has);
    Definition definition;
    if (append) {
      definition = appended();
    } else if (!overrides.isEmpty()) {
      definition = overridden(overrides);
    } else if (switched) {
      item.warning(
          DiagnosticCode.LOAD_DEPRECATED_ITEM,
          "The standalone 'enabled' key usage is deprecated. The correct approach requires also a"
              + " 'replace' entry under the 'override' key (i.e. 'enabled: replace').",
          "enabled");
      definition = overridden(Map.of("enabled", Mode.REPLACE));
    } else {
      return defined();
    }
    return item.failed() ? Optional.empty() : Optional.of(definition);
  }

  private Optional<Definition> defined() {
    REQUIRED.stream().sorted().forEach(item::require);
    Optional<SourceText> condition = item.text("condition");
    Optional<SourceText> output = item.text("output");
    Optional<SourceText> description = item.text("desc");
    Optional<Priority> priority = item.priority();
    Optional<String> source = source();
    List<String> tags = tags();
    List<ExceptionDefinition> exceptions = exceptions();
    boolean enabled = item.flag("enabled").orElse(true);
    boolean warnEventTypes = item.flag("warn_evttypes").orElse(true);
    boolean skip = item.flag("skip-if-unknown-filter").orElse(false);
    if (item.failed()) {
      return Optional.empty();
    }
    return Optional.of(
        new RuleDefinition(
            name,
            place,
            source,
            condition.orElseThrow(),
            output.orElseThrow(),
            description.orElseThrow(),
            priority.orElseThrow(),
            tags,
            exceptions,
            enabled,
            warnEventTypes,
            skip));
  }

  /** The deprecated form, which knows conditions and exceptions only. */
  private RuleChange appended() {
    if (!item.has("condition") && !item.has("exceptions")) {
      item.error("Appended rule must have exceptions or condition property", "append");
    }
    Optional<List<ExceptionDefinition>> exceptions =
        item.has("exceptions") ? Optional.of(exceptions()) : Optional.empty();
    return new RuleChange(
        name,
        place,
        source(),
        item.text("condition").map(text -> new Change<>(true, text)),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        exceptions.map(list -> new Change<>(true, list)),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private RuleChange overridden(Map<String, Mode> overrides) {
    return new RuleChange(
        name,
        place,
        source(),
        change("condition", overrides, item.text("condition")),
        change("output", overrides, item.text("output")),
        change("desc", overrides, item.text("desc")),
        change("tags", overrides, Optional.of(tags())),
        change("exceptions", overrides, Optional.of(exceptions())),
        change("priority", overrides, item.priority()).map(Change::value),
        change("enabled", overrides, item.flag("enabled")).map(Change::value),
        change("warn_evttypes", overrides, item.flag("warn_evttypes")).map(Change::value),
        change("skip-if-unknown-filter", overrides, item.flag("skip-if-unknown-filter"))
            .map(Change::value));
  }

  private static <T> Optional<Change<T>> change(
      String key, Map<String, Mode> overrides, Optional<T> value) {
    Mode mode = overrides.get(key);
    return mode == null
        ? Optional.empty()
        : value.map(present -> new Change<>(mode == Mode.APPEND, present));
  }

  /** An empty source counts as none. */
  private Optional<String> source() {
    boolean isEmpty =
        item.mapping().get("source").orElse(null) instanceof YamlValue.Scalar scalar
            && (scalar.isNull() || scalar.text().text().isEmpty());
    return isEmpty ? Optional.empty() : item.text("source").map(SourceText::text);
  }

  private List<String> tags() {
    return item.texts("tags").orElse(List.of()).stream().map(SourceText::text).toList();
  }

  private List<ExceptionDefinition> exceptions() {
    return ExceptionItems.read(item);
  }
}
