package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinearRegexTest {

  @Test
  void matchesTheWholeText() {
    LinearRegex regex = LinearRegex.compile("/home/[a-z]+", Dialect.MESHWARD);
    assertThat(regex.matches("/home/eve")).isTrue();
    assertThat(regex.matches("/home/eve/x")).isFalse();
    assertThat(regex.matches("x/home/eve")).isFalse();
    assertThat(LinearRegex.compile("a|ab", Dialect.MESHWARD).matches("ab")).isTrue();
  }

  @Test
  @Timeout(10)
  void isLinearWhereBacktrackingExplodes() {
    assertThat(LinearRegex.compile("(a*)*b", Dialect.MESHWARD).matches("a".repeat(50_000)))
        .isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"\\d", "a\\w+", "(?i)a", "(?:a)", "a*?", "a+?", "a{1,2}?", "\\pL", "\\Qa\\E"})
  void falcosDialectRefusesPerlSyntax(String pattern) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LinearRegex.compile(pattern, Dialect.FALCO))
        .withMessageContaining("invalid regex pattern")
        .withMessageContaining("is not POSIX syntax");
    assertThatCode(() -> LinearRegex.compile(pattern, Dialect.MESHWARD)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[?]", "[]*?]", "[^]*?]", "a\\?", "a\\\\d", "x*", "[[:digit:]]+x", "a{2}b?"})
  void falcosDialectKnowsPosixSyntax(String pattern) {
    assertThatCode(() -> LinearRegex.compile(pattern, Dialect.FALCO)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        "[",
        "*a",
        "a{2,1}",
        "\\1",
        "(?=a)",
        "a{1001}",
        "(((a{100}){100}){100})",
        "((([a-c]{9}|x){9,99}y){1,}z){99}"
      })
  void refusesWhatIsNoLinearRegex(String pattern) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LinearRegex.compile(pattern, Dialect.MESHWARD))
        .withMessageContaining("invalid regex pattern '" + pattern + "'");
  }
}
