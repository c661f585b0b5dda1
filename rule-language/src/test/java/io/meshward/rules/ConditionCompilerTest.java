package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionCompilerTest {

  private static final FieldCatalogue FIELDS =
      FieldCatalogue.builder()
          .field("proc.name", FieldType.STRING)
          .field("proc.pname", FieldType.STRING)
          .field("proc.exe", FieldType.PATH)
          .field("proc.pid", FieldType.INT64)
          .field("evt.count", FieldType.UINT32)
          .field("risk.score", FieldType.DOUBLE)
          .field("tls.ok", FieldType.BOOLEAN)
          .field("peer.ip", FieldType.IP)
          .field("peer.net", FieldType.NET)
          .field("peer.port", FieldType.PORT)
          .field("evt.data", FieldType.BYTES)
          .field("ka.verb", FieldType.STRING)
          .list("proc.args", FieldType.STRING)
          .list("peer.ips", FieldType.IP)
          .open("fields.")
          .build();

  private static final Map<String, Object> EVENT =
      Map.ofEntries(
          Map.entry("proc.name", "sh"),
          Map.entry("proc.pid", 10L),
          Map.entry("evt.count", 4_000_000_000L),
          Map.entry("risk.score", 0.75),
          Map.entry("tls.ok", false),
          Map.entry("peer.ip", "10.1.2.3"),
          Map.entry("peer.net", "10.1.2.3"),
          Map.entry("peer.port", 443),
          Map.entry("evt.data", new byte[] {0x16, 3, 1}),
          Map.entry("proc.args", List.of("-c", "id")),
          Map.entry("peer.ips", List.of("::ffff:10.0.0.1", "fe80::1")),
          Map.entry("fields.port", 8080L),
          Map.entry("fields.size", 1.0),
          Map.entry("fields.text", "9"),
          Map.entry("fields.flag", true),
          Map.entry("fields.tags", List.of("a", 2L)),
          Map.entry("fields.empty", List.of()));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.name = sh                           | true
          proc.pname = sh                          | false
          proc.pname != sh                         | false
          not proc.pname = sh                      | true
          not proc.pname exists                    | true
          proc.name > 5 and not proc.name < 5      | true
          proc.name >= val(proc.name)              | true
          proc.name = val(proc.pname)              | false
          proc.pid = 10 and proc.pid != 11         | true
          proc.pid in (9, 10)                      | true
          proc.pid = oneof (10, 10)                | false
          proc.pid = anyof ()                      | false
          evt.count > 3999999999                   | true
          risk.score > 0.5 and risk.score < 1      | true
          risk.score = 7.5e-1                      | true
          tls.ok = false and tls.ok != true        | true
          tls.ok in (true)                         | false
          peer.ip = 10.1.2.3                       | true
          peer.ip in (10.1.2.4, ::1)               | false
          peer.net = 10.0.0.0/8                    | true
          peer.net != 10.1.2.3/32                  | false
          peer.net != ::/0                         | true
          peer.net in (192.168.0.0/16, 10.1.0.0/16) | true
          peer.net = allof (10.0.0.0/8, 0.0.0.0/0) | true
          peer.port = https and peer.port > 80     | true
          evt.data bstartswith 1603                | true
          evt.data bcontains 0301                  | true
          evt.data contains x                      | false
          proc.args in (-c, id, x)                 | true
          proc.args in (-c)                        | false
          proc.args intersects (x, id)             | true
          peer.ips in (10.0.0.1, fe80::1)          | true
          fields.port = 8080                       | true
          fields.port > 80 and fields.port < 9000  | true
          fields.port startswith 80                | true
          fields.size = 1                          | true
          fields.size = 1.0                        | false
          fields.text > 8                          | true
          fields.text < 10                         | true
          fields.flag = true                       | true
          fields.flag > 0                          | false
          fields.tags in (a, 2)                    | true
          fields.tags intersects (2)               | true
          fields.tags = a                          | false
          fields.tags != a                         | false
          fields.tags exists                       | true
          fields.empty in (a)                      | true
          fields.empty intersects (a)              | false
          fields.none != a                         | false
          fields.port > val(proc.pid)              | true
          proc.name = val(fields.text)             | false
          proc.name icontains S                    | true
          proc.name pmatch (sh, /bin)              | true
          proc.name regex "s[a-h]"                 | true
          """)
  void meansWhatFalcoMeans(String condition, boolean expected) {
    CompiledCondition compiled =
        ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS);
    assertThat(compiled.test(CompiledConditionTest.source(EVENT))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.nmae = sh               | 1  | nonexistent field proc.nmae: did you mean 'proc.name'?
          proc.name[1] = sh            | 1  | 'proc.name' takes no argument
          a_macro                      | 1  | unexpected identifier 'a_macro'
          proc.name in a_list          | 14 | undefined list 'a_list'
          proc.pid contains 1          | 1  | 'contains' operator not supported for numeric filters
          peer.ip < 1                  | 1  | '<' operator not supported for ip address and network filters
          tls.ok regex x               | 1  | 'regex' operator not supported for bool filters
          evt.data glob x              | 1  | 'glob' operator not supported for buffer filters
          proc.name bcontains 61       | 1  | 'bcontains' operator not supported for string filters
          proc.args = x                | 1  | '=' operator not supported list filters
          proc.args pmatch (x)         | 1  | 'pmatch' operator not supported list filters
          proc.pid = 0x10              | 12 | '0x10' is no number that the field can have
          proc.pid = 1.0               | 12 | '1.0' is no number that the field can have
          proc.pid > 9223372036854775808 | 12 | expected a decimal integer from -9223372036854775808
          evt.count in (1, -1)         | 18 | '-1' is no number that the field can have
          peer.port = 65536            | 13 | expected the name of a service or a decimal integer from 0 to 65535
          tls.ok = yes                 | 10 | 'yes' is no boolean: expected 'true' or 'false'
          peer.ip = 10.1               | 11 | '10.1' is no IP address
          peer.ip = 010.0.0.1          | 11 | '010.0.0.1' is no IP address
          peer.ip in (1::2::3)         | 13 | '1::2::3' is no IP address
          peer.net = 10.0.0.0          | 12 | unrecognized IP network '10.0.0.0'
          peer.net = 10.0.0.0/33       | 12 | invalid netmask '33'
          evt.data bcontains 123       | 20 | support hex strings only
          proc.name regex "("          | 17 | invalid regex pattern '('
          proc.name = "a\\x00b"        | 13 | a NUL character in the value
          proc.name regex val(proc.pname) | 1 | 'regex' operator doesn't support right-hand side fields
          proc.name pmatch val(proc.pname) | 1 | 'pmatch' operator doesn't support right-hand side fields
          proc.name = val(proc.pid)    | 1  | field 'proc.name' has type 'charbuf' while the right-hand side field 'proc.pid' has incompatible type 'int64'
          proc.name = val(proc.exe)    | 1  | incompatible type 'fspath'
          proc.name in val(proc.args)  | 1  | incompatible type 'list of charbuf'
          peer.net = val(peer.net)     | 1  | networks do not support right-hand side fields
          peer.ip = val(fields.port)   | 1  | incompatible type 'dynamic'
          """)
  void refusesWhatDoesNotFit(String condition, int column, String message) {
    assertThatExceptionOfType(ConditionCompileException.class)
        .isThrownBy(() -> ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS))
        .withMessageContaining(message)
        .satisfies(e -> assertThat(e.problems().getFirst().position().column()).isEqualTo(column));
  }

  @Test
  void findsEveryProblemAtOnce() {
    assertThatExceptionOfType(ConditionCompileException.class)
        .isThrownBy(
            () ->
                ConditionCompiler.compile(
                    ConditionParser.parse(
                        "proc.nam = x or proc.pid contains 1 and (not tls.ok in (yes, no))"),
                    FIELDS))
        .satisfies(e -> assertThat(e.problems()).hasSize(4));
  }

  @Test
  void inFalcosDialectTheNameOfNoListIsOneValue() {
    for (String condition : List.of("proc.name in sh", "proc.name startswith oneof sh")) {
      assertThat(
              ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS, Dialect.FALCO)
                  .test(field -> "sh"))
          .as(condition)
          .isTrue();
    }
  }

  @Test
  void falcosDialectReadsOnlyWholeNumbers() {
    assertThatExceptionOfType(ConditionCompileException.class)
        .isThrownBy(
            () ->
                ConditionCompiler.compile(
                    ConditionParser.parse("risk.score = 1.0"), FIELDS, Dialect.FALCO))
        .withMessageContaining("expected a decimal integer");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.name = proc.pname                | LOAD_COMPILE_CONDITION | 'proc.pname' may be a valid field
          proc.name in (a, proc.pname)          | LOAD_COMPILE_CONDITION | 'proc.pname' may be a valid field
          proc.name = "tolower(proc.pname)"     | LOAD_COMPILE_CONDITION | may be a valid field transformer
          proc.name = "proc.pname "             | LOAD_COMPILE_CONDITION | 'proc.pname ' may be a valid field
          proc.name = "tolower( x )"            | LOAD_COMPILE_CONDITION | 'tolower( x )' may be a valid field transformer
          proc.name = "val(proc.pname)"         | LOAD_COMPILE_CONDITION | may be a valid field transformer
          proc.name regex ^sh$                  | LOAD_COMPILE_CONDITION | 'contains', 'startswith', 'endswith'
          proc.name regex ".*sh"                | LOAD_COMPILE_CONDITION | regex check with '.*sh' may be optimized
          ka.verb = <NA>                        | LOAD_UNSAFE_NA_CHECK   | unsafe
          ka.verb in (get, "<NA>")              | LOAD_UNSAFE_NA_CHECK   | unsafe
          """)
  void warnsOfWhatWasProbablyNotMeant(String condition, DiagnosticCode code, String message) {
    assertThat(ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS).warnings())
        .singleElement()
        .satisfies(
            warning -> {
              assertThat(warning.code()).isEqualTo(code);
              assertThat(warning.message()).contains(message);
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.name = val(proc.pname)
          proc.name = tolower
          proc.name = fields.anything
          proc.name regex "s[a-h]"
          proc.name regex "^.*sh"
          proc.name regex "sh.*$"
          proc.name = "tolow(proc.pname)"
          proc.name = "tolower(proc.pname"
          proc.name = <NA>
          ka.verb contains <NA>
          """)
  void doesNotWarnOfWhatIsClear(String condition) {
    assertThat(ConditionCompiler.compile(ConditionParser.parse(condition), FIELDS).warnings())
        .isEmpty();
  }
}
