package io.meshward.rules;

import java.util.stream.Stream;

/** What Falco's engine, and only it, has doubts about. */
final class FalcoDoubts {

  private static final String CONTAINER_INFO = "%container.info";

  private FalcoDoubts() {}

  /** The rule's output without the one placeholder that Falco drops nowadays. */
  static SourceText withoutContainerInfo(RuleEntry entry, Diagnostics diagnostics) {
    SourceText output = entry.output();
    int found = output.text().indexOf(CONTAINER_INFO);
    if (found < 0) {
      return output;
    }
    diagnostics.warning(
        DiagnosticCode.LOAD_DEPRECATED_ITEM,
        entry.label(),
        CONTAINER_INFO + " is deprecated and no more useful: it shows nothing",
        output.place(found));
    SplicedText kept = new SplicedText();
    int copied = 0;
    for (int at = found; at >= 0; at = output.text().indexOf(CONTAINER_INFO, copied)) {
      kept.append(output, copied, at);
      copied = at + CONTAINER_INFO.length();
    }
    return kept.append(output, copied, output.text().length()).build();
  }

  static void warn(
      RuleEntry entry, CompiledCondition condition, OutputFormat output, Diagnostics diagnostics) {
    deprecated(entry, condition.fields().stream(), "condition", diagnostics);
    deprecated(entry, output.fields().stream(), "output", diagnostics);
    if (entry.warnEventTypes()
        && entry.source().equals(RuleEntry.DEFAULT_SOURCE)
        && EventTypes.of(condition.condition()).isMany()) {
      diagnostics.warning(
          DiagnosticCode.LOAD_NO_EVTTYPE,
          entry.label(),
          "Rule matches too many evt.type values. This has a significant performance penalty.",
          entry.place());
    }
  }

  private static void deprecated(
      RuleEntry entry, Stream<FieldReference> fields, String where, Diagnostics diagnostics) {
    fields
        .map(FieldReference::name)
        .filter(name -> name.equals("evt.dir") || name.startsWith("evt.latency"))
        .distinct()
        .forEach(
            name ->
                diagnostics.warning(
                    DiagnosticCode.LOAD_DEPRECATED_ITEM,
                    entry.label(),
                    "usage of deprecated field '"
                        + name
                        + "' has been detected in the rule "
                        + where,
                    entry.place()));
  }
}
