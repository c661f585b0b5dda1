package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rules files of Falco's own tests, in Falco's dialect. */
class LoaderConformanceTest {

  /** Goes before cases that are only the exceptions of a rule which they share. */
  private static final String SHARED_RULE =
      """

      - rule: test_rule
        desc: test rule
        condition: evt.type = open
        output: command=%proc.cmdline
        priority: INFO\
      """;

  @Test
  void loaderCasesHold() {
    List<String> failures = new ArrayList<>();
    for (JsonNode each : Cases.lines("falco-loader.jsonl")) {
      check(each, failures);
    }
    assertThat(failures).isEmpty();
  }

  private static void check(JsonNode each, List<String> failures) {
    String name = each.get("name").asText();
    String yaml = each.get("yaml").asText();
    String text = yaml.startsWith("\n  exceptions:") ? SHARED_RULE + yaml : yaml;
    LoadResult result =
        RuleLoader.load(
            List.of(new RuleFile(name, text)),
            Map.of("syscall", SyscallFields.catalogue()),
            Dialect.FALCO);
    if (each.get("loads").asBoolean() != result instanceof LoadResult.Loaded) {
      failures.add(name + ": " + result);
    }
    for (JsonNode message : each.path("messages")) {
      String expected = message.get("text").asText();
      String severity = message.get("level").asText();
      boolean found =
          result.diagnostics().stream()
              .anyMatch(
                  diagnostic ->
                      diagnostic.message().contains(expected)
                          && diagnostic.severity().name().equalsIgnoreCase(severity));
      if (found == saysThatThereIsNone(name)) {
        failures.add(name + ": '" + expected + "' among " + result.diagnostics() + ": " + found);
      }
    }
    if (result instanceof LoadResult.Loaded(RuleSet rules, List<Diagnostic> warnings)) {
      each.path("compiled")
          .properties()
          .forEach(
              compiled -> {
                String canonical =
                    rules.rule(compiled.getKey()).orElseThrow().condition().condition().canonical();
                if (!canonical.equals(compiled.getValue().asText())) {
                  failures.add(name + ": " + canonical + " instead of " + compiled.getValue());
                }
              });
    }
  }

  /**
   * Whether a case's message is the one that must not be there: Falco's tests of that name assert
   * its absence, which the cases do not tell apart.
   */
  private static boolean saysThatThereIsNone(String name) {
    return name.startsWith("no_") && name.contains("_warning");
  }
}
