package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.Metrics;
import io.meshward.rules.RuleFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActiveRulesTest {
  private static final String RULE =
      """
      - rule: Shell
        desc: d
        source: falco.alert
        condition: proc.name = bash
        output: o
        priority: Notice
      """;

  private final Metrics metrics = new Metrics();
  private final List<String> letters = new ArrayList<>();
  @TempDir Path directory;

  @Test
  void readsTheFilesOfADirectoryInTheOrderOfTheirNames() throws IOException {
    write("b.yaml", RULE);
    write("a.yml", "- list: x\n  items: [y]\n");
    write("notes.txt", "no rules");
    Files.createDirectory(directory.resolve("sub.yaml"));
    assertThat(RuleFiles.read(List.of(directory, directory.resolve("b.yaml"))))
        .extracting(RuleFile::name)
        .extracting(name -> Path.of(name).getFileName().toString())
        .containsExactly("a.yml", "b.yaml", "b.yaml");
  }

  @Test
  void theFirstLoadMustSucceed() throws IOException {
    assertThatThrownBy(this::load).hasMessageContaining("holds no rules");
    write("a.yaml", RULE.replace("proc.name", "proc.nmae"));
    write("b.yaml", RULE.replace("falco.alert", "elsewhere").replace("Shell", "Other"));
    assertThatThrownBy(this::load)
        .isInstanceOf(RulesRejectedException.class)
        .hasMessageContaining("a.yaml:4")
        .hasMessageContaining("proc.nmae")
        .hasMessageContaining("elsewhere");
    assertThatThrownBy(() -> load(directory.resolve("missing.yaml")))
        .isInstanceOf(RulesRejectedException.class)
        .hasMessageContaining("missing.yaml");
    write("a.yaml", "- list: x\n  items: [y]\n");
    Files.delete(directory.resolve("b.yaml"));
    assertThatThrownBy(this::load).hasMessageContaining("there is no rule");
  }

  @Test
  void aWindowThatCountsFurtherThanItRemembersIsRefused() throws IOException {
    write(
        "a.yaml",
        RULE
            + """
            - detection: Many
              desc: d
              output: o
              priority: Notice
              correlation:
                {type: event_count, rules: [Shell], timespan: 60s, condition: {gte: 1024}}
            """);
    assertThatThrownBy(this::load)
        .isInstanceOf(RulesRejectedException.class)
        .hasMessageContaining("'Many' counts to 1024");
  }

  @Test
  void aChangeIsUsedAsAWhole() throws IOException {
    write("a.yaml", RULE);
    ActiveRules rules = load();
    String before = rules.get().rules().version();
    rules.reload();
    assertThat(rules.get().rules().version()).isEqualTo(before);

    write("b.yaml", RULE.replace("Shell", "Other"));
    rules.reload();
    assertThat(rules.get().rules().rules()).hasSize(2);
    assertThat(metrics.scrape())
        .contains("meshward_detect_rule_reloads_total{outcome=\"loaded\"} 1.0")
        .contains("meshward_detect_rules 2.0");
  }

  @Test
  void aBadChangeKeepsTheRulesThatAreThere() throws IOException {
    write("a.yaml", RULE);
    ActiveRules rules = load();
    RuleBook before = rules.get();
    write("a.yaml", RULE.replace("proc.name", "proc.nmae"));
    rules.reload();
    Files.delete(directory.resolve("a.yaml"));
    rules.reload();
    assertThat(rules.get()).isSameAs(before);
    assertThat(letters).hasSize(2);
    assertThat(letters.getFirst())
        .contains("rules_rejected", "proc.nmae", "condition: proc.nmae = bash");
    assertThat(metrics.scrape())
        .contains("meshward_detect_rule_reloads_total{outcome=\"rejected\"} 2.0");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(directory.resolve(name), text);
  }

  private ActiveRules load() {
    return load(directory);
  }

  private ActiveRules load(Path path) {
    return ActiveRules.load(
        List.of(path),
        Duration.ofMinutes(10),
        metrics,
        (key, origin, cause, detail, message) ->
            letters.add(origin + " " + cause + " " + detail + " " + new String(message, UTF_8)));
  }
}
