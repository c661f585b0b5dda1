package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionParserTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          a andb               | 1 | 6  | expected a blank or '(' after 'and'
          a b                  | 1 | 3  | unexpected token after 'a', expecting 'or', 'and'
          a or(b) and c        | 1 | 9  | unexpected token after ')'
          (a                   | 1 | 3  | expected a ')' token
          a and                | 1 | 6  | expected a blank or '(' after 'and'
          and                  | 1 | 1  | expected a '(' token, a field check, or an identifier
          a and not            | 1 | 7  | expected a '(' token, a field check, or an identifier
          a.b                  | 1 | 4  | expected a valid check operator: one of exists, ==, =
          a.b <= x             | 1 | 8  | expected a number value or a field
          a.b < 0x             | 1 | 8  | unexpected token after '0'
          a.b =                | 1 | 6  | expected a value or a field after '='
          a.b in               | 1 | 7  | expected a list in parentheses or a list's name
          a.b in (x,)          | 1 | 11 | expected a value in a list
          a.b in (x y)         | 1 | 11 | expected a ',' or ')' token in a list
          a.b = 'x             | 1 | 7  | missing closing quote '
          a.b = "\\q"          | 1 | 8  | unsupported string escape sequence: \\q
          a.b = "\\x4"         | 1 | 8  | expected two hexadecimal digits after \\x
          a.b = '\\"'          | 1 | 8  | unsupported string escape sequence: \\"
          a.b[ = x             | 1 | 5  | expected a valid field argument
          a.b[] = x            | 1 | 5  | expected a valid field argument
          a.b[x                | 1 | 6  | expected a ']' token
          upper(a.b) = x       | 1 | 1  | 'upper' is no transformer, expected one of tolower
          tolower() = x        | 1 | 9  | expected a field, a transformer, a quoted string or a number
          tolower(a.b          | 1 | 12 | expected a ',' or ')' token after an argument of 'tolower'
          join("x", (a) ) = x  | 1 | 12 | expected a field, a transformer, a quoted string or a number
          a.b = val(a)         | 1 | 11 | expected a field within 'val(…)', which is not nestable
          a.b = val(a.b[0]x)   | 1 | 17 | expected a ')' token
          """)
  void refusesWithTheFirstPlaceThatDoesNotFit(String text, int line, int column, String message) {
    assertThatExceptionOfType(ConditionSyntaxException.class)
        .isThrownBy(() -> ConditionParser.parse(text))
        .satisfies(
            e -> {
              assertThat(e).hasMessageContaining(message);
              assertThat(e.line()).isEqualTo(line);
              assertThat(e.column()).isEqualTo(column);
              assertThat(e.index()).isEqualTo(column - 1);
            });
  }

  @Test
  void countsLinesAndColumnsFromOne() {
    assertThatExceptionOfType(ConditionSyntaxException.class)
        .isThrownBy(() -> ConditionParser.parse("a and\n  b.c = 1 and\n\tb.c < x"))
        .satisfies(
            e -> {
              assertThat(e.line()).isEqualTo(3);
              assertThat(e.column()).isEqualTo(8);
              assertThat(e.index()).isEqualTo(27);
            });
  }

  @Test
  void refusesAnEmptyText() {
    for (String text : new String[] {"", " ", "\n\t"}) {
      assertThatExceptionOfType(ConditionSyntaxException.class)
          .isThrownBy(() -> ConditionParser.parse(text))
          .withMessageContaining("filter input string is empty");
    }
  }

  @Test
  void readsEscapesAsBytesOfUtf8() {
    assertThat(ConditionParser.parse("a.b = \"\\xc3\\xa9\"").canonical()).isEqualTo("a.b = é");
    assertThat(ConditionParser.parse("a.b = \"\\xff\"").canonical()).isEqualTo("a.b = \ufffd");
  }

  @Test
  void aBackslashBeforeABlankStandsForItself() {
    assertThat(ConditionParser.parse("a.b = \"x\\ y\""))
        .isEqualTo(ConditionParser.parse("a.b = \"x\\\\y\""));
  }

  @Test
  void aStringMayEndWithABackslash() {
    assertThat(ConditionParser.parse("a.b = \"C:\\\\\" and c"))
        .isEqualTo(ConditionParser.parse("a.b = C:\\ and c"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          'a\\\\'             | a\\
          'a\\\\' and c       | a\\
          'a\\\\''            | a\\'
          'a\\\\'b\\\\''        | a\\'b\\'
          "a\\\\"b"           | a\\"b
          "a\\\\\\\\" and c     | a\\\\
          'a\\\\\\'b'          | a\\'b
          """)
  void aQuoteAfterAnEscapedBackslashClosesWhereAValueCanEnd(String quoted, String value) {
    Condition parsed = ConditionParser.parse("a.b = " + quoted);
    Condition check =
        parsed instanceof Condition.And(List<Condition> operands) ? operands.getFirst() : parsed;
    assertThat(check)
        .isInstanceOfSatisfying(
            Condition.Comparison.class,
            comparison ->
                assertThat(comparison.right())
                    .isInstanceOfSatisfying(
                        Operand.Literal.class,
                        literal -> assertThat(literal.text()).isEqualTo(value)));
    assertThat(ConditionParser.parse(parsed.canonical())).isEqualTo(parsed);
  }

  @Test
  void refusesTooLongTexts() {
    String longest = "a.b = " + "x".repeat(ConditionParser.MAX_LENGTH - 6);
    assertThatCode(() -> ConditionParser.parse(longest)).doesNotThrowAnyException();
    assertThatExceptionOfType(ConditionSyntaxException.class)
        .isThrownBy(() -> ConditionParser.parse(longest + "x"))
        .withMessageContaining("at most 65536 are allowed");
  }

  @Test
  void refusesTooDeepTextsInsteadOfOverflowingTheStack() {
    assertThatCode(() -> ConditionParser.parse(nested(199, "(", "a", ")")))
        .doesNotThrowAnyException();
    for (String[] nesting :
        new String[][] {
          {"(", "a", ")"},
          {"not(", "a", ")"},
          {"not not (", "a", ")"},
          {"a and(", "a", ")"},
          {"tolower(", "a.b", ")"},
          {"concat(a.b, ", "a.b", ")"}
        }) {
      String text = nested(5_000, nesting[0], nesting[1], nesting[2]);
      assertThatExceptionOfType(ConditionSyntaxException.class)
          .as(nesting[0])
          .isThrownBy(() -> ConditionParser.parse(text + " exists"))
          .withMessageContaining("exceeded max depth limit of 1000");
    }
  }

  @Test
  void manyNegationsAreNoDepth() {
    assertThat(ConditionParser.parse("not ".repeat(10_001) + "a"))
        .isEqualTo(ConditionParser.parse("not a"));
  }

  private static String nested(int times, String open, String inner, String close) {
    return open.repeat(times) + inner + close.repeat(times);
  }
}
