package io.meshward.rules;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong with rules files. Not thread-safe. */
final class Diagnostics {

  private record Entry(Place place, Diagnostic diagnostic) {}

  private final List<Entry> entries = new ArrayList<>();

  void error(DiagnosticCode code, String item, String message, Place place) {
    add(Diagnostic.Severity.ERROR, code, item, message, place);
  }

  void warning(DiagnosticCode code, String item, String message, Place place) {
    add(Diagnostic.Severity.WARNING, code, item, message, place);
  }

  private void add(
      Diagnostic.Severity severity, DiagnosticCode code, String item, String message, Place place) {
    FileText file = place.file();
    Diagnostic diagnostic =
        new Diagnostic(
            severity,
            code,
            item,
            message,
            file.name(),
            place.line(),
            place.column(),
            file.snippet(place.offset()));
    entries.add(new Entry(place, diagnostic));
  }

  boolean hasErrors() {
    return entries.stream()
        .anyMatch(entry -> entry.diagnostic().severity() == Diagnostic.Severity.ERROR);
  }

  /** In the order of files and places. */
  List<Diagnostic> sorted() {
    return entries.stream()
        .sorted(Comparator.comparing(Entry::place))
        .map(Entry::diagnostic)
        .distinct()
        .toList();
  }
}
