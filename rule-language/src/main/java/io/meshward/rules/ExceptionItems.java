package io.meshward.rules;

import io.meshward.rules.Definition.ExceptionDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the exceptions of an item. */
final class ExceptionItems {

  /** Under which key they stand. */
  static final String KEY = "exceptions";

  private static final Set<String> EXCEPTION_KEYS = Set.of("name", "fields", "comps", "values");

  private ExceptionItems() {}

  /** What stands under {@code exceptions}; what is wrong is reported. */
  static List<ExceptionDefinition> read(Item item) {
    List<ExceptionDefinition> exceptions = new ArrayList<>();
    YamlValue value = item.mapping().get(KEY).orElse(null);
    if (value == null || isNull(value)) {
      return exceptions;
    }
    if (!(value instanceof YamlValue.Sequence sequence)) {
      item.error("Rule exceptions must be a sequence: found " + value.kind(), value.place());
      return exceptions;
    }
    for (YamlValue element : sequence.elements()) {
      if (element instanceof YamlValue.Mapping mapping) {
        exception(item, mapping).ifPresent(exceptions::add);
      } else {
        item.error("Rule exception must be a mapping: found " + element.kind(), element.place());
      }
    }
    return exceptions;
  }

  private static Optional<ExceptionDefinition> exception(Item item, YamlValue.Mapping mapping) {
    if (!(mapping.get("name").orElse(null) instanceof YamlValue.Scalar named)
        || named.text().text().isEmpty()) {
      item.error(
          "Item has no mapping for key 'name'. Rule exception item must have name property",
          mapping.place());
      return Optional.empty();
    }
    String exceptionName = named.text().text();
    for (String key : mapping.entries().keySet()) {
      if (!EXCEPTION_KEYS.contains(key)) {
        item.warnUnknownKey(key, EXCEPTION_KEYS, mapping.placeOf(key));
      }
    }
    return Optional.of(
        new ExceptionDefinition(
            exceptionName,
            mapping.place(),
            mapping.get("fields"),
            mapping.get("comps"),
            mapping.get("values").filter(values -> !isNull(values))));
  }

  private static boolean isNull(YamlValue value) {
    return value instanceof YamlValue.Scalar scalar && scalar.isNull();
  }
}
