package io.meshward.rules;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A value of a YAML file with its place. Immutable. */
sealed interface YamlValue {

  Place place();

  /** How messages call it. */
  String kind();

  /**
   * A scalar; numbers and booleans are texts too.
   *
   * @param isNull whether it is empty or says {@code null}
   */
  record Scalar(SourceText text, boolean isNull, Place place) implements YamlValue {
    @Override
    public String kind() {
      return isNull ? "nothing" : "'" + text.text() + "'";
    }
  }

  record Sequence(List<YamlValue> elements, Place place) implements YamlValue {
    public Sequence {
      elements = List.copyOf(elements);
    }

    @Override
    public String kind() {
      return "a sequence";
    }
  }

  /**
   * A mapping with scalar keys.
   *
   * @param entries in the order of the file
   * @param keys the places of the keys
   */
  record Mapping(Map<String, YamlValue> entries, Map<String, Place> keys, Place place)
      implements YamlValue {

    Optional<YamlValue> get(String key) {
      return Optional.ofNullable(entries.get(key));
    }

    boolean has(String key) {
      return entries.containsKey(key);
    }

    /** The place of a key, or of the mapping. */
    Place placeOf(String key) {
      return keys.getOrDefault(key, place);
    }

    @Override
    public String kind() {
      return "a mapping";
    }
  }
}
