package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever text comes: a condition whose canonical text says the same, or a refusal. */
class ConditionFuzzTest {

  private static final String ALPHABET = "ab.()[]'\"\\ \t\n,=!<>-+0x9é\u0000";

  @FuzzTest
  void anyTextIsParsedOrRefused(byte[] bytes) {
    parsedOrRefused(new String(bytes, java.nio.charset.StandardCharsets.UTF_8));
  }

  @Test
  void mutatedConditionsAreParsedOrRefused() {
    for (long seed = 0; seed < 8_000; seed++) {
      Random random = Seeded.random(seed);
      StringBuilder text =
          new StringBuilder(new ConditionGenerator(random).condition(3).canonical());
      for (int i = 1 + random.nextInt(4); i > 0; i--) {
        mutate(text, random);
      }
      try {
        parsedOrRefused(text.toString());
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + text, e);
      }
    }
  }

  private static void mutate(StringBuilder text, Random random) {
    int at = random.nextInt(text.length() + 1);
    int end = Math.min(text.length(), at + random.nextInt(4));
    String inserted =
        switch (random.nextInt(3)) {
          case 0 -> "";
          case 1 -> String.valueOf(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
          default -> text.substring(Math.min(at, text.length() / 2), at);
        };
    text.replace(at, end, inserted);
  }

  private static void parsedOrRefused(String text) {
    try {
      Condition condition = ConditionParser.parse(text);
      assertThat(ConditionParser.parse(condition.canonical())).isEqualTo(condition);
    } catch (ConditionSyntaxException e) {
      assertThat(e.index()).isBetween(0, text.length());
      assertThat(e.line()).isPositive();
      assertThat(e.column()).isPositive();
    }
  }
}
