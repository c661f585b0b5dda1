package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Files of another form that use conditions, lists and macros. */
class ConditionFilesTest {

  private static final FieldCatalogue FIELDS =
      FieldCatalogue.builder().field("detection.rule", FieldType.STRING).build();

  private static ConditionFiles read(String text) {
    return ConditionFiles.read(List.of(new RuleFile("plays.yaml", text)), "play", FIELDS);
  }

  @Test
  void conditionsUseTheListsAndMacrosOfTheFiles() {
    ConditionFiles files =
        read(
            """
            - play: one
              when: known and detection.rule != x
            - list: rules
              items: [a, b]
            - macro: known
              condition: detection.rule in rules
            """);
    ItemNode when = files.items().getFirst().entries().orElseThrow().get("when");
    CompiledCondition condition =
        files.condition(Optional.ofNullable(when).orElseThrow(), "play 'one'").orElseThrow();
    assertThat(condition.test(CompiledConditionTest.source(Map.of("detection.rule", "b"))))
        .isTrue();
    assertThat(condition.test(CompiledConditionTest.source(Map.of("detection.rule", "c"))))
        .isFalse();
    assertThat(files.hasErrors()).isFalse();
    assertThat(files.diagnostics()).isEmpty();
  }

  @Test
  void everythingWrongIsCollectedWithItsPlace() {
    ConditionFiles files =
        read(
            """
            - play: one
              when: [a]
              then: detection.rul = x
              else: detection.rule =
              last: nothing
            - rule: r
              desc: d
              condition: x
              output: o
              priority: info
            """);
    Map<String, ItemNode> entries = files.items().getFirst().entries().orElseThrow();
    entries.forEach((key, node) -> files.condition(node, "play 'one'"));
    files.error(files.items().getFirst().key("then"), "play 'one'", "is forbidden");
    assertThat(files.hasErrors()).isTrue();
    assertThat(files.diagnostics())
        .extracting(diagnostic -> diagnostic.line() + ":" + diagnostic.column())
        .containsExactly("1:9", "2:9", "3:3", "3:9", "4:25", "5:9", "6:9");
  }
}
