package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The canonical text of a condition says the same as the condition. */
class ConditionRoundTripTest {

  @Test
  void parsingTheCanonicalTextGivesAnEqualCondition() {
    for (long seed = 0; seed < 20_000; seed++) {
      Condition condition = new ConditionGenerator(Seeded.random(seed)).condition(4);
      String canonical = condition.canonical();
      assertThat(ConditionParser.parse(canonical))
          .as("seed %d: %s", seed, canonical)
          .isEqualTo(condition);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          a                                  | a
          a and b or c and not d             | ((a and b) or (c and not d))
          a and (b and c)                    | (a and (b and c))
          not not not a                      | not a
          not(not(a))                        | a
          (((a.b=1)))                        | a.b = 1
          a.b==x                             | a.b == x
          a.b in(x,'y z',"w")                | a.b in (x, "y z", w)
          a.b inx                            | a.b in x
          a.b existsand m                    | (a.b exists and m)
          a.b = anyof and c                  | (a.b = anyof and c)
          a.b = anyof anyof                  | a.b = anyof anyof
          a.b != allof ( x , y )             | a.b != allof (x, y)
          a.b > val(c.d)                     | a.b > val(c.d)
          a.b = tolower( c.d )               | a.b = tolower(c.d)
          a.b[0] = ''                        | a.b[0] = ""
          a.b["x y"] = 'it is'               | a.b["x y"] = "it is"
          a.b = 'x"y'                        | a.b = "x\\"y"
          a.b regex syscall\\.*              | a.b regex "syscall\\\\.*"
          getopt(a.b,"nt:")[t] = 1           | getopt(a.b, "nt:")[t] = 1
          join("-",(a.b,'c',1)) exists       | join("-", (a.b, "c", 1)) exists
          a.b = "\\x41\\t\\/"                | a.b = "A\\t/"
          """)
  void printsOneFormOfEach(String written, String canonical) {
    assertThat(ConditionParser.parse(written).canonical()).isEqualTo(canonical);
  }
}
