package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          /var/* | /var/run/file.txt | true
          * | .hidden | true
          a?c | a/c | true
          a?c | a😀c | true
          [!a] | b | true
          [!a] | a | false
          [^a] | b | true
          [a-c]x | bx | true
          [c-a]x | bx | false
          []x] | ] | true
          [!]x] | y | true
          [a-] | - | true
          [[:digit:]] | 7 | true
          [[:digit:]x] | x | true
          [[:nope:]] | :] | true
          [[:punct:]] | ! | true
          [a | [a | true
          \\* | * | true
          \\* | a | false
          a\\ | a\\ | true
          [\\]] | ] | true
          a**b | ab | true
          *.so | lib.so.1 | false
          """)
  void matchesAsTheShellDoes(String pattern, String text, boolean expected) {
    assertThat(Glob.compile(pattern, false).matches(text)).isEqualTo(expected);
  }

  @Test
  void foldsTheCaseOfAsciiLettersOnly() {
    assertThat(Glob.compile("*.LOG", true).matches("App.log")).isTrue();
    assertThat(Glob.compile("[A-C]", true).matches("b")).isTrue();
    assertThat(Glob.compile("É", true).matches("é")).isFalse();
  }

  @Test
  void agreesWithRegularExpressions() {
    for (long seed = 0; seed < 20_000; seed++) {
      Random random = Seeded.random(seed);
      String pattern = random(random, "ab/*?", 8);
      String text = random(random, "ab/", 12);
      assertThat(Glob.compile(pattern, false).matches(text))
          .as("seed %d: %s over %s", seed, pattern, text)
          .isEqualTo(NaiveInterpreter.glob(pattern).matcher(text).matches());
    }
  }

  @Test
  @Timeout(10)
  void staysPolynomialWhereBacktrackingExplodes() {
    String pattern = "*a".repeat(500) + "b";
    assertThat(Glob.compile(pattern, false).matches("a".repeat(20_000))).isFalse();
  }

  static String random(Random random, String alphabet, int longest) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(longest); i > 0; i--) {
      text.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return text.toString();
  }
}
