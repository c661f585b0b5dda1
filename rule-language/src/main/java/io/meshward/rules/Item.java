package io.meshward.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Typed access to a mapping of a rules file; what has the wrong form is reported. */
final class Item {

  private static final Set<String> TRUE = Set.of("true", "yes", "on", "y");
  private static final Set<String> FALSE = Set.of("false", "no", "off", "n");

  private final String label;
  private final YamlValue.Mapping mapping;
  private final Diagnostics diagnostics;
  private boolean failed;

  Item(String label, YamlValue.Mapping mapping, Diagnostics diagnostics) {
    this.label = label;
    this.mapping = mapping;
    this.diagnostics = diagnostics;
  }

  /** What messages call it: {@code rule 'Terminal shell'}. */
  String label() {
    return label;
  }

  YamlValue.Mapping mapping() {
    return mapping;
  }

  boolean has(String key) {
    return mapping.has(key);
  }

  /** Whether an error was reported. */
  boolean failed() {
    return failed;
  }

  void error(String message, Place place) {
    failed = true;
    diagnostics.error(DiagnosticCode.LOAD_ERR_YAML_VALIDATE, label, message, place);
  }

  void error(String message, String key) {
    error(message, mapping.placeOf(key));
  }

  void warning(DiagnosticCode code, String message, String key) {
    diagnostics.warning(code, label, message, mapping.placeOf(key));
  }

  void warnUnknownKeys(Collection<String> known) {
    for (String key : mapping.entries().keySet()) {
      if (!known.contains(key)) {
        warnUnknownKey(key, known, mapping.placeOf(key));
      }
    }
  }

  void warnUnknownKey(String key, Collection<String> known, Place place) {
    diagnostics.warning(
        DiagnosticCode.LOAD_UNKNOWN_KEY,
        label,
        "Unknown key '" + key + "'. The key will be ignored" + Suggestion.sentence(key, known),
        place);
  }

  void refuseUnknownKeys(Collection<String> known) {
    for (String key : mapping.entries().keySet()) {
      if (!known.contains(key)) {
        error("Unknown key '" + key + "'" + Suggestion.didYouMean(key, known), key);
      }
    }
  }

  void require(String key) {
    if (!has(key)) {
      error("Item has no mapping for key '" + key + "'", mapping.place());
    }
  }

  /** The text of a key, or nothing if it is absent or not a text. */
  Optional<SourceText> text(String key) {
    return mapping.get(key).flatMap(value -> text(key, value));
  }

  private Optional<SourceText> text(String key, YamlValue value) {
    if (!(value instanceof YamlValue.Scalar scalar)) {
      error("Value is not a scalar value: '" + key + "' is " + value.kind(), value.place());
    } else if (scalar.isNull()) {
      error("Mapping for key '" + key + "' is empty", value.place());
    } else if (scalar.text().text().isEmpty()) {
      error("Value must be non-empty: '" + key + "'", value.place());
    } else {
      return Optional.of(scalar.text());
    }
    return Optional.empty();
  }

  /** The texts of a sequence, or nothing if the key is absent or something else. */
  Optional<List<SourceText>> texts(String key) {
    return mapping
        .get(key)
        .flatMap(
            value -> {
              if (!(value instanceof YamlValue.Sequence sequence)) {
                error("Value is not a sequence: '" + key + "' is " + value.kind(), value.place());
                return Optional.empty();
              }
              List<SourceText> texts = new ArrayList<>();
              for (YamlValue element : sequence.elements()) {
                if (element instanceof YamlValue.Scalar scalar) {
                  texts.add(scalar.text());
                } else {
                  error(
                      "sequence value is not scalar: an element of '"
                          + key
                          + "' is "
                          + element.kind(),
                      element.place());
                }
              }
              return Optional.of(texts);
            });
  }

  /** As {@link #texts}, where a single text stands for a sequence of one; empty if absent. */
  List<SourceText> textOrTexts(String key) {
    if (mapping.get(key).orElse(null) instanceof YamlValue.Scalar) {
      return text(key).map(List::of).orElse(List.of());
    }
    return texts(key).orElse(List.of());
  }

  /** The truth of a key, or nothing if it is absent or none. */
  Optional<Boolean> flag(String key) {
    return text(key)
        .flatMap(
            text -> {
              Boolean flag = truth(text.text());
              if (flag == null) {
                error(
                    "Can't decode YAML scalar value: '"
                        + key
                        + "' is '"
                        + text.text()
                        + "', expected true or false",
                    key);
              }
              return Optional.ofNullable(flag);
            });
  }

  private static @Nullable Boolean truth(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    if (TRUE.contains(lower)) {
      return true;
    }
    return FALSE.contains(lower) ? false : null;
  }

  Optional<Priority> priority() {
    return text("priority")
        .flatMap(
            text -> {
              Optional<Priority> priority = Priority.named(text.text());
              if (priority.isEmpty()) {
                error(
                    "Invalid priority '"
                        + text.text()
                        + "': expected Emergency, Alert, Critical, Error, Warning, Notice,"
                        + " Informational or Debug",
                    "priority");
              }
              return priority;
            });
  }

  /** A nested mapping, or nothing if the key is absent or something else. */
  Optional<Item> item(String key) {
    return mapping
        .get(key)
        .flatMap(
            value -> {
              if (value instanceof YamlValue.Mapping nested) {
                return Optional.of(new Item(label, nested, diagnostics));
              }
              error("'" + key + "' is " + value.kind() + ", expected a mapping", value.place());
              return Optional.empty();
            });
  }

  /** The place of the text of a key, or of the item. */
  Place placeOf(String key) {
    return mapping.get(key).map(YamlValue::place).orElse(mapping.place());
  }
}
