package io.meshward.rules;

import org.jspecify.annotations.Nullable;

/**
 * A compiled expression.
 *
 * @param type the type of the value, or of each element
 * @param list whether it gives a list, whose elements are raw; a single value is normalised
 * @param extractor gives the value, or null if there is none
 */
record Extraction(FieldType type, boolean list, Extractor extractor) {

  /** Reads a value from an event. Thread-safe. */
  @FunctionalInterface
  interface Extractor {
    @Nullable Object extract(FieldSource event);
  }

  @Nullable Object extract(FieldSource event) {
    return extractor.extract(event);
  }

  /** How messages call it. */
  String typeName() {
    return list ? "list of " + type.typeName() : type.typeName();
  }
}
