package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Loads texts as rules files over a small set of sources. */
final class Loading {

  static final Map<String, FieldCatalogue> SOURCES =
      Map.of(
          "falco",
          FieldCatalogue.builder()
              .field("falco.rule", FieldType.STRING)
              .field("falco.priority", FieldType.STRING)
              .field("k8s.pod.name", FieldType.STRING)
              .field("spiffe.id", FieldType.STRING)
              .field("proc.name", FieldType.STRING)
              .field("proc.pid", FieldType.INT64)
              .list("falco.tags", FieldType.STRING)
              .open("fields.")
              .build(),
          "tls",
          FieldCatalogue.builder()
              .field("tls.result", FieldType.STRING)
              .field("spiffe.id", FieldType.STRING)
              .build());

  private Loading() {}

  static LoadResult load(String... texts) {
    List<RuleFile> files =
        Arrays.stream(texts).map(text -> new RuleFile("rules.yaml", text)).toList();
    return RuleLoader.load(files, SOURCES);
  }

  static RuleSet loaded(String... texts) {
    LoadResult result = load(texts);
    assertThat(result)
        .as(() -> result.diagnostics().toString())
        .isInstanceOf(LoadResult.Loaded.class);
    return ((LoadResult.Loaded) result).rules();
  }

  /** The errors of files that are refused. */
  static List<String> errors(String... texts) {
    LoadResult result = load(texts);
    assertThat(result).isInstanceOf(LoadResult.Rejected.class);
    return messages(result, Diagnostic.Severity.ERROR);
  }

  /** The warnings of files that load. */
  static List<String> warnings(String... texts) {
    LoadResult result = load(texts);
    assertThat(result)
        .as(() -> result.diagnostics().toString())
        .isInstanceOf(LoadResult.Loaded.class);
    return messages(result, Diagnostic.Severity.WARNING);
  }

  private static List<String> messages(LoadResult result, Diagnostic.Severity severity) {
    return result.diagnostics().stream()
        .filter(diagnostic -> diagnostic.severity() == severity)
        .map(Diagnostic::toString)
        .toList();
  }

  static String canonical(RuleSet rules, String name) {
    return rules.rule(name).orElseThrow().condition().condition().canonical();
  }

  /** A rule over the source {@code falco} with a condition on one line. */
  static String rule(String name, String condition) {
    return """
    - rule: %s
      desc: a rule
      source: falco
      condition: %s
      output: seen %%proc.name
      priority: WARNING
    """
        .formatted(name, condition);
  }
}
