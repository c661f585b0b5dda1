package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Falco's dialect does as Falco's engine does it. */
class FalcoDialectTest {

  private static LoadResult load(String text) {
    return RuleLoader.load(
        List.of(new RuleFile("falco.yaml", text)),
        Map.of("syscall", SyscallFields.catalogue()),
        Dialect.FALCO);
  }

  private static String rule(String condition) {
    return """
    - rule: r
      desc: d
      condition: %s
      output: x
      priority: INFO
    """
        .formatted(condition);
  }

  private static String canonical(String text) {
    LoadResult result = load(text);
    assertThat(result)
        .as(() -> result.diagnostics().toString())
        .isInstanceOf(LoadResult.Loaded.class);
    return Loading.canonical(((LoadResult.Loaded) result).rules(), "r");
  }

  private static List<String> messages(String text) {
    return load(text).diagnostics().stream().map(Diagnostic::toString).toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.name in (l)                  | proc.name in (a, "b c")
          proc.name in (x, l , y)           | proc.name in (x, a, "b c", y)
          proc.name in (l, l)               | proc.name in (a, "b c", a, "b c")
          proc.name in (ll, l_, xl)         | proc.name in (ll, l_, xl)
          proc.name in (empty)              | proc.name in ()
          proc.name in (x, empty, y)        | proc.name in (x, y)
          proc.name in (empty, y)           | proc.name in (y)
          proc.name in (x,empty)            | proc.name in (x)
          proc.name = one                   | proc.name = single
          proc.name = "is one here"         | proc.name = "is single here"
          proc.name in (nested)             | proc.name in (a, "b c", z)
          proc.name in (early)              | proc.name in (late)
          """)
  void listsAreReplacedInTheText(String condition, String expected) {
    String lists =
        """
        - list: early
          items: [late]
        - list: l
          items: [a, b c]
        - list: empty
          items: []
        - list: one
          items: [single]
        - list: nested
          items: [l, z]
        """;
    assertThat(canonical(lists + rule("evt.type = x and " + condition)))
        .isEqualTo("(evt.type = x and " + expected + ")");
  }

  @Test
  void aListMayUseOnlyEarlierOnesAndOneLevelDeep() {
    String lists =
        """
        - list: third
          items: [second]
        - list: first
          items: [a]
        - list: second
          items: [first]
        - list: third
          items: [z]
          override: {items: append}
        """;
    assertThat(canonical(lists + rule("evt.type = x and proc.name in (third)")))
        .isEqualTo("(evt.type = x and proc.name in (a, z))");
    assertThat(
            canonical(
                lists
                        .replace("- list: third\n  items: [z]", "- list: other\n  items: [z]")
                        .replace("append", "replace")
                    + rule("evt.type = x and proc.name in (third)")))
        .as("the name is put in as it is, and replaced because that list comes later")
        .isEqualTo("(evt.type = x and proc.name in (a))");
  }

  @Test
  void appendedConditionsBindAsTextDoes() {
    assertThat(
            canonical(
                rule("evt.type = a or evt.type = b")
                    + "- rule: r\n  condition: and proc.name = c\n  append: true\n"))
        .isEqualTo("(evt.type = a or (evt.type = b and proc.name = c))");
  }

  @Test
  void aMacroUsesOnlyEarlierOnes() {
    String text =
        """
        - macro: user
          condition: used
        - macro: used
          condition: evt.type = a
        """;
    assertThat(messages(text + rule("user")))
        .singleElement()
        .asString()
        .contains("Undefined macro 'used' used in filter. It is defined only later.");
    assertThat(
            canonical(
                text
                    + "- macro: user\n  condition: and proc.name = b\n"
                    + "  override: {condition: append}\n"
                    + rule("user")))
        .isEqualTo("(evt.type = a and proc.name = b)");
  }

  @Test
  void anUnknownSourceIsSkipped() {
    assertThat(messages(rule("ka.verb = get") + "  source: k8s_audit\n"))
        .containsExactly(
            "falco.yaml:1:9: warning: rule 'r': Unknown source k8s_audit, skipping"
                + " [LOAD_UNKNOWN_SOURCE]");
  }

  @Test
  void unknownFieldsSkipARuleThatSaysSo() {
    String text = rule("evt.type = a and evt.nonsense = b") + "  skip-if-unknown-filter: true\n";
    LoadResult result = load(text);
    assertThat(result).isInstanceOf(LoadResult.Loaded.class);
    assertThat(((LoadResult.Loaded) result).rules().rules()).isEmpty();
    assertThat(result.diagnostics())
        .singleElement()
        .extracting(Diagnostic::code)
        .isEqualTo(DiagnosticCode.LOAD_UNKNOWN_FILTER);
    assertThat(load(text.replace("nonsense = b", "num = b")))
        .isInstanceOf(LoadResult.Rejected.class);
    assertThat(load(text.replace("true", "false"))).isInstanceOf(LoadResult.Rejected.class);
    assertThat(
            load(
                text.replace("evt.nonsense = b", "evt.num = 1")
                    .replace("output: x", "output: '%evt.nonsense'")))
        .isInstanceOf(LoadResult.Loaded.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          evt.type = a                                        | false
          evt.type in (a, b) and proc.name = x                | false
          not (evt.type != a or proc.name = x)                | false
          evt.type = a or (evt.type = b and proc.name exists) | false
          evt.type = a and evt.type = b                       | false
          proc.name = x                                       | true
          evt.type != a                                       | true
          not evt.type in (a, b)                              | true
          evt.type = a or proc.name = x                       | true
          not (evt.type = a and proc.name = x)                | true
          evt.type startswith open                            | true
          not evt.type startswith open                        | true
          """)
  void warnsOfConditionsThatAdmitManyEventTypes(String condition, boolean warns) {
    boolean warned =
        load(rule(condition)).diagnostics().stream()
            .anyMatch(diagnostic -> diagnostic.code() == DiagnosticCode.LOAD_NO_EVTTYPE);
    assertThat(warned).isEqualTo(warns);
    assertThat(load(rule(condition) + "  warn_evttypes: false\n").diagnostics()).isEmpty();
  }

  @Test
  void warnsOfDeprecatedFields() {
    assertThat(
            messages(
                rule("evt.type = a and evt.dir = <").replace("output: x", "output: '%evt.dir'")))
        .hasSize(2)
        .first()
        .asString()
        .contains("usage of deprecated field 'evt.dir' has been detected in the rule condition");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          '[proc.name]'          | '[= oneof]'              | '[[a, b]]'      | proc.name = oneof (a, b)
          '[proc.name]'          | '[startswith oneof]'     | '[a]'           | proc.name startswith oneof (a)
          '[proc.name]'          | '[" startswith anyof "]' | '[[a, b c]]'    | proc.name startswith anyof (a, "b c")
          '[proc.name, fd.name]' | '[contains, glob allof]' | '[a, [b, c]]'   | (proc.name contains a and fd.name glob allof (b, c))
          '[proc.name]'          | '[in]'                   | '[[a, b]]'      | proc.name in (a, b)
          '[proc.name]'          | '[=]'                    | '["proc.pname "]' | proc.name = "proc.pname "
          '[proc.pid]'           | '[=]'                    | '[12]'          | proc.pid = 12
          'proc.name'            | 'startswith anyof'       | 'a'             | proc.name startswith anyof (a)
          """)
  void exceptionsCompareAsTheirWordsSay(
      String fields, String comps, String values, String excluded) {
    String exception =
        """
          exceptions:
            - name: e
              fields: %s
              comps: %s
              values:
                - %s
        """
            .formatted(bare(fields), bare(comps), bare(values));
    assertThat(canonical(rule("evt.type = a") + exception))
        .isEqualTo("(evt.type = a and not " + excluded + ")");
  }

  private static String bare(String text) {
    return text.substring(1, text.length() - 1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          capture: "yes"              | true
          capture: true               | true
          capture: maybe              | false
          capture_duration: 10000     | true
          capture_duration: ten       | false
          enabled: "no"               | true
          warn_evttypes: 3            | false
          tags: [a, b]                | true
          tags: a                     | false
          source: ""                  | true
          """)
  void keysTakeWhatFalcoTakes(String line, boolean loads) {
    assertThat(load(rule("evt.type = a") + "  " + line + "\n") instanceof LoadResult.Loaded)
        .isEqualTo(loads);
  }

  @Test
  void exceptionsArePutIntoTheText() {
    assertThat(
            canonical(
                rule("evt.type = a")
                    + "  exceptions:\n"
                    + "    - {name: e, fields: proc.name, values: [\"a, b\", 'c d', '\"e\"', l]}\n"
                    + "- {list: l, items: [x, y]}\n"))
        .isEqualTo("(evt.type = a and not proc.name in (\"a, b\", \"c d\", e, x, y))");
  }

  @Test
  void aTextForAListIsPutIntoParenthesesAsItIs() {
    assertThat(
            canonical(
                rule("evt.type = a")
                    + "  exceptions:\n"
                    + "    - {name: e, fields: [proc.name], comps: [in], values: [['a, b'],"
                    + " ['(c)']]}\n"))
        .isEqualTo("(evt.type = a and not (proc.name in (a, b) or proc.name in (c)))");
  }

  @Test
  void oneOldPlaceholderShowsNothing() {
    String text =
        rule("evt.type = a").replace("output: x", "output: a %container.info b %container.info");
    LoadResult result = load(text);
    assertThat(((LoadResult.Loaded) result).rules().rules().getFirst().output().text())
        .isEqualTo("a  b ");
    assertThat(result.diagnostics())
        .singleElement()
        .extracting(Diagnostic::code)
        .isEqualTo(DiagnosticCode.LOAD_DEPRECATED_ITEM);
  }

  @Test
  void namesThatAreNotUniqueAreOnlyDoubted() {
    assertThat(
            messages(
                rule("evt.type = a")
                    + "  exceptions:\n"
                    + "    - {name: e, fields: proc.name, values: [a]}\n"
                    + "    - {name: e, fields: proc.name, values: [b]}\n"))
        .singleElement()
        .asString()
        .contains("Multiple definitions of exception 'e' in the same rule");
  }
}
