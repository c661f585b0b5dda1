package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.rules.Dialect;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.FieldType;
import io.meshward.rules.RuleFile;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RulesCheckTest {
  private static final String RULE =
      """
      - rule: Shell
        desc: a shell
        source: test
        condition: proc.name = sh
        output: "%proc.name"
        priority: info
      """;

  private final StringWriter out = new StringWriter();

  @Test
  void showsWhereWhatIsWrong() {
    assertThat(check(RULE.replace("proc.name = sh", "proc.nam = sh"))).isFalse();

    assertThat(out.toString().lines())
        .containsExactly(
            "test.yaml:4:14: error: rule 'Shell': nonexistent field proc.nam: did you mean"
                + " 'proc.name'? [LOAD_ERR_COMPILE_CONDITION]",
            "    condition: proc.nam = sh",
            "               ^",
            "invalid: 1 error in 1 file");
  }

  @Test
  void saysWhatItCheckedAndShowsWarnings() {
    assertThat(check(RULE, "- {list: unused, items: []}\n")).isTrue();

    assertThat(out.toString().lines())
        .startsWith(
            "test.yaml:1:10: warning: list 'unused': List not referred to by any other"
                + " rule/macro/list [LOAD_UNUSED_LIST]")
        .endsWith("ok: 1 rule, 0 detections, 1 warning in 2 files");
  }

  private boolean check(String... texts) {
    List<RuleFile> files =
        List.of(texts).stream().map(text -> new RuleFile("test.yaml", text)).toList();
    return new RulesCheck(
            Map.of("test", FieldCatalogue.builder().field("proc.name", FieldType.STRING).build()),
            Dialect.MESHWARD,
            new PrintWriter(out, true))
        .run(files);
  }
}
