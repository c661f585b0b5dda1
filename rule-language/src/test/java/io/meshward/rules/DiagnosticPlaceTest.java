package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Diagnostics point at the very characters, however YAML folds, quotes or splices them. */
class DiagnosticPlaceTest {

  private static final String HEAD =
      """
      - macro: m
        condition: proc.name = é😀
      - rule: r
        desc: d
        source: falco
        output: x
        priority: info
        condition:\
      """;

  @ParameterizedTest
  @ValueSource(
      strings = {
        " m and proc.nam = x",
        " m and\n    not proc.nam = x",
        " >\n    m and\n    not proc.nam = x\n",
        " >-\n\n    m and\n\n      (not proc.nam = x)\n",
        " |\n    m\n    and proc.nam = x\n",
        " |+2\n    m\n    and proc.nam = x\n\n",
        " 'm and proc.name = \"it''s\" and proc.nam = x'",
        " 'm\n\n    and proc.nam = x'",
        " \"m and proc.name = \\\"a\\\\tb\\\" and\\x20proc.nam = x\"",
        " \"m\\n\\tand \\\n     proc.nam = x\"",
        " \"proc.name = \\u00e9\\U0001F600 and proc.nam = x\"",
        " m and proc.name = 😀 and proc.nam = x # proc.nam",
        " &anchor m and proc.nam = x",
      })
  void pointsIntoEveryKindOfScalar(String scalar) {
    LoadResult result = Loading.load(HEAD + scalar);
    assertThat(result.diagnostics())
        .filteredOn(diagnostic -> diagnostic.severity() == Diagnostic.Severity.ERROR)
        .singleElement()
        .satisfies(diagnostic -> pointsAt(diagnostic, HEAD + scalar, "proc.nam "));
  }

  private static void pointsAt(Diagnostic diagnostic, String text, String expected) {
    String line = text.lines().toList().get(diagnostic.line() - 1);
    assertThat(line.substring(diagnostic.column() - 1)).startsWith(expected);
    List<String> snippet = diagnostic.snippet().lines().toList();
    assertThat(snippet.getFirst().substring(snippet.getLast().indexOf('^'))).startsWith(expected);
  }

  @Test
  void pointsAtTheEndWhereSomethingIsMissing() {
    String text = HEAD + " >\n    m and\n    proc.name =\n\n\n";
    assertThat(Loading.load(text).diagnostics())
        .filteredOn(diagnostic -> diagnostic.severity() == Diagnostic.Severity.ERROR)
        .singleElement()
        .satisfies(
            diagnostic -> {
              assertThat(diagnostic.line()).isEqualTo(10);
              assertThat(diagnostic.column()).isEqualTo(16);
              assertThat(diagnostic.snippet()).isEqualTo("    proc.name =\n               ^");
            });
  }

  @Test
  void pointsIntoTheMacroThatIsWrong() {
    String text = HEAD.replace("proc.name", "proc.nam") + " m";
    assertThat(Loading.load(text).diagnostics())
        .singleElement()
        .satisfies(
            diagnostic -> {
              assertThat(diagnostic.item()).isEqualTo("rule 'r'");
              pointsAt(diagnostic, text, "proc.nam ");
            });
  }

  @Test
  void pointsIntoTheTextsThatFalcosDialectSplices() {
    String text =
        HEAD
            + " m and proc.name in (names) and (proc.pid = 1\n"
            + "    or proc.nam = x)\n"
            + "  exceptions: [{name: e, fields: [proc.pid], values: [[1], [  nope]]}]\n"
            + "- list: names\n  items: [a, b, c, d, e, f, g]\n"
            + "- rule: r\n  condition: and proc.nma = x\n  override: {condition: append}\n";
    LoadResult result =
        RuleLoader.load(
            List.of(new RuleFile("f", text)),
            java.util.Map.of("falco", Loading.SOURCES.get("falco")),
            Dialect.FALCO);
    List<Diagnostic> errors =
        result.diagnostics().stream()
            .filter(diagnostic -> diagnostic.severity() == Diagnostic.Severity.ERROR)
            .toList();
    assertThat(errors).hasSize(3);
    pointsAt(errors.get(0), text, "proc.nam ");
    pointsAt(errors.get(1), text, "nope");
    pointsAt(errors.get(2), text, "proc.nma ");
  }

  @Test
  void pointsAtInvalidYaml() {
    assertThat(Loading.load("- rule: [a\n- x: }\n").diagnostics())
        .singleElement()
        .satisfies(
            diagnostic -> {
              assertThat(diagnostic.code()).isEqualTo(DiagnosticCode.LOAD_ERR_YAML_PARSE);
              assertThat(diagnostic.line()).isEqualTo(2);
            });
    assertThat(Loading.load("- list: a\n  items: []\n  items: [b]\n").diagnostics())
        .anySatisfy(
            diagnostic -> {
              assertThat(diagnostic.message()).isEqualTo("key 'items' is there twice");
              assertThat(diagnostic.line()).isEqualTo(3);
              assertThat(diagnostic.column()).isEqualTo(3);
            });
  }

  @Test
  void shortensLongLines() {
    String text =
        HEAD
            + " "
            + "proc.name = x and ".repeat(50)
            + "proc.nam = x and "
            + "m and ".repeat(90)
            + "m";
    assertThat(Loading.load(text).diagnostics())
        .singleElement()
        .satisfies(
            diagnostic -> {
              assertThat(diagnostic.snippet().lines().findFirst().orElseThrow())
                  .hasSizeLessThan(130);
              pointsAt(diagnostic, text, "proc.nam ");
            });
  }

  @Test
  void printsOneLine() {
    assertThat(Loading.load("- list: a\n  items: b\n").diagnostics())
        .singleElement()
        .hasToString(
            "rules.yaml:2:10: error: list 'a': Value is not a sequence: 'items' is 'b'"
                + " [LOAD_ERR_YAML_VALIDATE]");
  }
}
