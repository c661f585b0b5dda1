package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever text comes as a rules file: it loads or is refused with places, and never throws. */
class RuleLoaderFuzzTest {

  private static final String FILE =
      Loading.rule("one", "m and proc.name in (l, 'a b')")
          + """
            exceptions:
              - {name: e, fields: [proc.name, proc.pid], comps: [=, in], values: [[a, [1, 2]], ["b c", 3]]}
              - name: f
                fields: falco.rule
                values: [x, y]
          - list: l
            items: &items [a, b, *later]
          - macro: m
            condition: >
              proc.name exists
              or not falco.rule regex "a+"
          - rule: one
            condition: and fields.x != val(fields.y)
            override: {condition: append}
          - detection: d
            desc: "d\\x41"
            priority: alert
            output: '%proc.name'
            correlation: {type: event_count, rules: [one], group-by: [proc.name], timespan: 5s, condition: {gte: 2}}
          """;
  private static final List<String> PIECES =
      List.of(
          ":",
          "- ",
          "\n",
          "  ",
          "[",
          "]",
          "{",
          "}",
          "'",
          "\"",
          "*items",
          "&items",
          "|",
          ">",
          "#",
          "~",
          "null",
          "!!str ",
          "%",
          "\\",
          "(",
          ")",
          "and ",
          "not ",
          "m",
          "l",
          "one",
          "\u0000",
          "😀",
          "---\n",
          "append: true",
          "override: {condition: replace}",
          "\t");

  @Test
  void mutatedFilesLoadOrAreRefused() {
    int loaded = 0;
    for (long seed = 0; seed < 1_500; seed++) {
      Random random = Seeded.random(seed);
      StringBuilder text = new StringBuilder(FILE.replace(", *later", ""));
      for (int i = random.nextInt(4); i > 0; i--) {
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + (random.nextBoolean() ? 0 : random.nextInt(12)));
        text.replace(at, end, PIECES.get(random.nextInt(PIECES.size())));
      }
      for (Dialect dialect : Dialect.values()) {
        loaded += loads(text.toString(), dialect, seed) ? 1 : 0;
      }
    }
    assertThat(loaded).isBetween(300, 2_700);
  }

  private static boolean loads(String text, Dialect dialect, long seed) {
    LoadResult result;
    try {
      result = RuleLoader.load(List.of(new RuleFile("f", text)), Loading.SOURCES, dialect);
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError("seed " + seed + " in " + dialect + ":\n" + text, e);
    }
    for (Diagnostic diagnostic : result.diagnostics()) {
      assertThat(diagnostic.line()).isPositive();
      assertThat(diagnostic.column()).isPositive();
    }
    if (result instanceof LoadResult.Rejected) {
      assertThat(result.diagnostics())
          .as("seed %d", seed)
          .anyMatch(diagnostic -> diagnostic.severity() == Diagnostic.Severity.ERROR);
    }
    return result instanceof LoadResult.Loaded;
  }

  @Test
  void theUnchangedFileLoads() {
    for (Dialect dialect : Dialect.values()) {
      LoadResult result =
          RuleLoader.load(
              List.of(new RuleFile("f", FILE.replace(", *later", ""))), Loading.SOURCES, dialect);
      assertThat(result).isInstanceOf(LoadResult.Loaded.class);
    }
  }

  @Test
  void deepAndLargeFilesAreRefused() {
    for (String text :
        List.of(
            "[".repeat(100_000),
            "- ".repeat(50_000),
            "{a: ".repeat(50_000),
            "#".repeat(YamlReader.MAX_LENGTH + 1))) {
      assertThat(Loading.errors(text)).isNotEmpty();
    }
    assertThat(Loading.errors("- list: l\n  items: &a [*a]\n"))
        .singleElement()
        .asString()
        .contains("alias to an unknown or unfinished anchor");
  }
}
