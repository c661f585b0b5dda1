package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TransformersTest {

  private static final FieldCatalogue FIELDS =
      FieldCatalogue.builder()
          .field("t.text", FieldType.STRING)
          .field("t.path", FieldType.PATH)
          .field("t.number", FieldType.INT64)
          .field("t.encoded", FieldType.STRING)
          .field("t.bytes", FieldType.BYTES)
          .field("t.raw", FieldType.BYTES)
          .field("t.missing", FieldType.STRING)
          .field("t.address", FieldType.IP)
          .list("t.args", FieldType.STRING)
          .list("t.none", FieldType.STRING)
          .open("any.")
          .build();

  private static final Map<String, Object> EVENT =
      Map.of(
          "t.text",
          "Grüße",
          "t.path",
          "/usr/bin/",
          "t.number",
          42L,
          "t.encoded",
          "aGk",
          "t.bytes",
          "aGk=".getBytes(StandardCharsets.US_ASCII),
          "t.raw",
          new byte[] {1, 2, 3},
          "t.address",
          "10.0.0.1",
          "t.args",
          List.of("-n", "-tX", "-t", "Y", "-q", "-u", "Z", "file", "-t", "W"),
          "t.none",
          List.of(),
          "any.path",
          "/a/b");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          tolower(t.text) = grüße
          toupper(t.text) = GRüßE
          toupper(tolower(t.text)) = GRüßE
          basename(t.path) = ''
          basename(any.path) = b
          b64(t.encoded) = hi
          b64(t.bytes) = hi
          not b64(t.text) exists
          len(t.text) = 7
          len(t.args) = 10
          len(t.none) = 0
          len(t.raw) = 3
          len(any.path) = 4
          join("-", (t.text, "x", 1, t.number)) = Grüße-x-1-42
          join(",", t.none) = ''
          not join("-", (t.text, t.missing)) exists
          join("-", ()) = ''
          concat(t.text, "!", t.number) = Grüße!42
          not concat(t.text, t.missing) exists
          getopt(t.args, "nt:u:")[t] = Y
          getopt(t.args, "nt:u:")[n] = ''
          getopt(t.args, "nt:u:")[u] = Z
          not getopt(t.args, "nt:x")[x] exists
          getopt(t.args, "nt:") intersects (Y)
          getopt(t.args, "nt:") in (n, '', t, X, Y)
          not tolower(t.missing) exists
          not tolower(t.missing) != x
          tolower(t.args) in (-n, -tx, -t, y, -q, -u, z, file, w)
          t.text != tolower(t.text)
          tolower("ABC") = abc
          """)
  void giveWhatTheirNamesSay(String condition) {
    CompiledCondition compiled =
        ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS);
    assertThat(compiled.test(CompiledConditionTest.source(EVENT))).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          tolower(t.number) = 1          | type 'int64' is not supported by 'tolower'
          tolower(t.text, t.path) = 1    | 'tolower' transformer expects 1 argument, found 2
          tolower(t.text)[1] = 1         | 'tolower' transformer does not support field arguments
          b64(t.address) = x             | type 'ipaddr' is not supported by 'b64'
          len(t.number) = 1              | type 'int64' is not supported by 'len'
          len(t.text) = x                | 'x' is no number
          join("-") = x                  | 'join' transformer expects 2 arguments, found 1
          join("-", t.text) = x          | expects a list as second argument, found charbuf
          join(t.args, t.args) = x       | type 'list of charbuf' is not supported by 'join'
          join("-", (t.args)) = x        | a list of arguments holds a field that is a list
          concat(t.text) = x             | 'concat' transformer expects at least 2 arguments
          concat(t.text, t.address) = x  | type 'ipaddr' is not supported by 'concat'
          getopt(t.text, "a")[a] = x     | expects a list and a quoted string
          getopt(t.args, t.text)[a] = x  | expects a list and a quoted string
          getopt(t.args, "ab")[c] = x    | 'c' is none of the options 'ab'
          getopt(t.args, "ab") = x       | '=' operator not supported list filters
          """)
  void refuseWhatTheyCannotTake(String condition, String message) {
    assertThatExceptionOfType(ConditionCompileException.class)
        .isThrownBy(() -> ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS))
        .withMessageContaining(message);
  }
}
