package io.meshward.ingest;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Falco's priorities, most severe first, as Falco writes them. */
enum Priority {
  EMERGENCY("Emergency"),
  ALERT("Alert"),
  CRITICAL("Critical"),
  ERROR("Error"),
  WARNING("Warning"),
  NOTICE("Notice"),
  INFORMATIONAL("Informational"),
  DEBUG("Debug");

  private static final Map<String, Priority> BY_LOWER_CASE =
      Stream.concat(
              Arrays.stream(values()).map(priority -> Map.entry(priority.label, priority)),
              Stream.of(Map.entry("Info", INFORMATIONAL)))
          .collect(
              Collectors.toUnmodifiableMap(
                  entry -> entry.getKey().toLowerCase(Locale.ROOT), Map.Entry::getValue));

  private final String label;

  Priority(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  static Optional<Priority> find(String text) {
    return Optional.ofNullable(BY_LOWER_CASE.get(text.toLowerCase(Locale.ROOT)));
  }

  static List<String> labels() {
    return Arrays.stream(values()).map(Priority::label).toList();
  }
}
