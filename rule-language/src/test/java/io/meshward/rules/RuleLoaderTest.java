package io.meshward.rules;

import static io.meshward.rules.Loading.canonical;
import static io.meshward.rules.Loading.errors;
import static io.meshward.rules.Loading.loaded;
import static io.meshward.rules.Loading.rule;
import static io.meshward.rules.Loading.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Meshward's dialect of rules files. */
class RuleLoaderTest {

  @Test
  void aRuleHasEverythingThatItsItemSays() {
    RuleSet rules =
        loaded(
            """
            - rule: Shell in a pod
              desc: Somebody opened a shell
              source: falco
              condition: proc.name = sh
              output: shell %proc.name in %k8s.pod.name
              priority: info
              tags: [shell, k8s, shell]
              enabled: no
            """);
    Rule rule = rules.rule("Shell in a pod").orElseThrow();
    assertThat(rule.description()).isEqualTo("Somebody opened a shell");
    assertThat(rule.source()).isEqualTo("falco");
    assertThat(rule.conditionText()).isEqualTo("proc.name = sh");
    assertThat(rule.condition().test(field -> "sh")).isTrue();
    assertThat(rule.output().render(field -> field.name()))
        .isEqualTo("shell proc.name in k8s.pod.name");
    assertThat(rule.priority()).isEqualTo(Priority.INFORMATIONAL);
    assertThat(rule.tags()).containsExactly("k8s", "shell");
    assertThat(rule.enabled()).isFalse();
    assertThat(rules.emits(rule)).isFalse();
    assertThat(rule.version()).matches("[0-9a-f]{12}");
  }

  @Test
  void listsAndMacrosResolveInAnyOrderAndTransitively() {
    RuleSet rules =
        loaded(
            rule("r", "suspicious and not proc.name in (allowed, other)"),
            """
            - macro: suspicious
              condition: shell or falco.rule in bad_rules
            - macro: shell
              condition: proc.name = anyof shells
            - list: allowed
              items: [shells, cron]
            - list: shells
              items: [sh, "my shell", more]
            - list: more
              items: [zsh]
            - list: bad_rules
              items: ["a, b"]
            """);
    assertThat(canonical(rules, "r"))
        .isEqualTo(
            "((proc.name = anyof (sh, \"my shell\", zsh) or falco.rule in (\"a, b\")) and not"
                + " proc.name in (sh, \"my shell\", zsh, cron, other))");
  }

  @Test
  void namesOfListsOutsideListsArePlainValues() {
    RuleSet rules =
        loaded(
            rule(
                "r",
                "proc.name = shells and proc.name in (\"x shells y\") and proc.name in shells"),
            "- list: shells\n  items: [sh]\n");
    assertThat(canonical(rules, "r"))
        .isEqualTo("(proc.name = shells and proc.name in (\"x shells y\") and proc.name in (sh))");
  }

  @Test
  void appendedConditionsDoNotBindIntoTheOldOne() {
    RuleSet rules =
        loaded(
            rule("r", "proc.name = a or proc.name = b"),
            """
            - rule: r
              condition: and not k8s.pod.name = x
              override: {condition: append}
            - macro: m
              condition: proc.name = a and proc.name = b
            - macro: m
              condition: or(proc.name = c) and proc.name = d
              append: true
            """,
            rule("s", "m"));
    assertThat(canonical(rules, "r"))
        .isEqualTo("((proc.name = a or proc.name = b) and not k8s.pod.name = x)");
    assertThat(canonical(rules, "s"))
        .isEqualTo("((proc.name = a and proc.name = b) or (proc.name = c and proc.name = d))");
  }

  @Test
  void laterItemsOverrideEarlierOnes() {
    RuleSet rules =
        loaded(
            rule("first", "proc.name = a"),
            rule("second", "proc.name = b"),
            """
            - rule: first
              output: and %proc.pid
              desc: more
              tags: [t]
              priority: critical
              enabled: false
              override: {output: append, desc: append, tags: append, priority: replace, enabled: replace}
            - rule: first
              condition: proc.name = c
              override: {condition: replace}
            """,
            rule("second", "proc.name = d"));
    Rule first = rules.rule("first").orElseThrow();
    assertThat(first.output().text()).isEqualTo("seen %proc.name and %proc.pid");
    assertThat(first.description()).isEqualTo("a rule more");
    assertThat(first.tags()).containsExactly("t");
    assertThat(first.priority()).isEqualTo(Priority.CRITICAL);
    assertThat(first.enabled()).isFalse();
    assertThat(canonical(rules, "first")).isEqualTo("proc.name = c");
    assertThat(canonical(rules, "second")).isEqualTo("proc.name = d");
    assertThat(rules.rules()).extracting(Rule::name).containsExactly("first", "second");
  }

  @Test
  void versionsFollowTheMeaning() {
    String version = version(rule("r", "proc.name in shells") + "- list: shells\n  items: [a]\n");
    assertThat(version(rule("r", "proc.name  in ( a )"))).isEqualTo(version);
    assertThat(version(rule("r", "proc.name in (b)"))).isNotEqualTo(version);
    assertThat(version(rule("s", "proc.name in (a)"))).isNotEqualTo(version);
    assertThat(version(rule("r", "proc.name in (a)").replace("WARNING", "ERROR")))
        .isNotEqualTo(version);
    assertThat(loaded(rule("r", "proc.name = a")).version())
        .isNotEqualTo(loaded(rule("r", "proc.name = b")).version());
  }

  private static String version(String text) {
    return loaded(text).rules().getFirst().version();
  }

  @Test
  void exceptionsBecomePartOfTheCondition() {
    RuleSet rules =
        loaded(
            rule("r", "proc.name exists or fields.x exists")
                + """
                  exceptions:
                    - name: names
                      fields: proc.name
                      values: [cron, "a, b", tools]
                    - name: pairs
                      fields: [proc.name, k8s.pod.name, proc.pid]
                      comps: [startswith anyof, =, "<"]
                      values:
                        - [[a, b c], "x y", 5]
                        - [[], tolower(proc.name), 6]
                    - name: later
                      fields: [fields.image]
                """,
            """
            - list: tools
              items: [ps, top]
            - rule: r
              exceptions:
                - name: later
                  values: [[val(proc.name)], ["proc name"]]
                - name: new
                  fields: falco.rule
                  comps: pmatch
                  values: [/x]
              override: {exceptions: append}
            """);
    assertThat(canonical(rules, "r"))
        .isEqualTo(
            "((proc.name exists or fields.x exists)"
                + " and not proc.name in (cron, \"a, b\", ps, top)"
                + " and not ((proc.name startswith anyof (a, \"b c\") and k8s.pod.name = \"x y\""
                + " and proc.pid < 5) or (proc.name startswith anyof () and k8s.pod.name ="
                + " tolower(proc.name) and proc.pid < 6))"
                + " and not (fields.image = val(proc.name) or fields.image = \"proc name\")"
                + " and not falco.rule pmatch (/x))");
  }

  @Test
  void replacedExceptionsAreGone() {
    RuleSet rules =
        loaded(
            rule("r", "proc.name exists")
                + "  exceptions:\n    - {name: e, fields: proc.name, values: [a]}\n"
                + "- rule: r\n  exceptions: []\n  override: {exceptions: replace}\n");
    assertThat(canonical(rules, "r")).isEqualTo("proc.name exists");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {name: e, values: [a]}                              | must have fields property
          {fields: proc.name}                                 | Rule exception item must have name property
          {name: e, fields: proc.name, comps: =, values: [a]} | comps must be one of (in, pmatch, intersects)
          {name: e, fields: proc.name, values: [[a]]}         | Expected values array to contain a list of strings
          {name: e, fields: proc.name, values: a}             | Rule exception values must be a sequence
          {name: e, fields: [proc.name], values: [a]}         | Expected values array to contain a list of lists
          {name: e, fields: [proc.name], comps: [=, =], values: [[a]]} | Fields and comps lists must have equal length
          {name: e, fields: [proc.name], comps: in, values: [[a]]} | comps must be one too
          {name: e, fields: [proc.name], values: [[a, b]]}    | Fields and values lists must have equal length
          {name: e, fields: [proc.name], comps: [almost], values: [[a]]} | 'almost' is not a supported comparison operator
          {name: e, fields: [proc.name], comps: [< anyof], values: [[a]]} | '< anyof' is not a supported comparison operator
          {name: e, fields: [proc.nam], values: []}           | 'proc.nam' is not a supported filter field: nonexistent field
          {name: e, fields: [proc.pid], values: [[x]]}        | 'x' is no number
          {name: e, fields: [], values: []}                   | fields is empty
          {name: e, fields: [[a]], values: []}                | expected a text
          {name: e, fields: [proc.name], values: [[{a: b}]]}  | neither a text nor a list of texts
          """)
  void refusesExceptionsThatDoNotFit(String exception, String message) {
    assertThat(errors(rule("r", "proc.name exists") + "  exceptions: [" + exception + "]\n"))
        .anyMatch(error -> error.contains(message));
  }

  @Test
  void appendedExceptionsCannotChangeFields() {
    String base =
        rule("r", "proc.name exists")
            + "  exceptions: [{name: e, fields: proc.name, values: [a]}]\n";
    assertThat(
            errors(
                base
                    + "- rule: r\n  exceptions: [{name: e, fields: proc.name, values: [b]}]\n"
                    + "  override: {exceptions: append}\n"))
        .singleElement()
        .asString()
        .contains("Can not append exception fields to existing exception, only values");
    assertThat(
            errors(
                base
                    + "- rule: r\n  exceptions: [{name: f, values: [b]}]\n"
                    + "  override: {exceptions: append}\n"))
        .singleElement()
        .asString()
        .contains("must have fields property");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          proc.name = x and undefined_macro | Undefined macro 'undefined_macro' used in filter. [
          proc.name in (x) and shel         | Undefined macro 'shel' used in filter. Did you mean 'shell'?
          proc.name in shels                | Undefined list 'shels': did you mean 'shells'?
          proc.nam = x                      | nonexistent field proc.nam: did you mean 'proc.name'?
          broken or looping                 | reference loop in macro 'looping'
          """)
  void refusesWhatIsUndefined(String condition, String message) {
    List<String> errors =
        errors(
            rule("r", condition)
                + """
                - macro: shell
                  condition: proc.name = sh
                - list: shells
                  items: [sh]
                - macro: looping
                  condition: not loop2
                - macro: loop2
                  condition: looping
                - macro: broken
                  condition: proc.name =
                """);
    assertThat(errors).anyMatch(error -> error.contains(message));
  }

  @Test
  void aBrokenMacroIsReportedOnceWhoeverUsesIt() {
    assertThat(
            errors(
                "- macro: m\n  condition: proc.name =\n",
                rule("r", "m"),
                rule("s", "not m"),
                "- macro: n\n  condition: m and m\n"))
        .singleElement()
        .asString()
        .startsWith("rules.yaml:2:25: error: macro 'm': expected a value or a field after '='");
  }

  @Test
  void textsLoseTheBlanksThatFoldingLeaves() {
    Rule rule =
        loaded(
                """
                - rule: r
                  desc: >
                    folded
                    text
                  source: falco
                  condition: proc.name = x
                  output: >
                    seen %proc.name
                    today
                  priority: info
                """)
            .rules()
            .getFirst();
    assertThat(rule.description()).isEqualTo("folded text");
    assertThat(rule.output().text()).isEqualTo("seen %proc.name today");
  }

  @Test
  void refusesListsAndMacrosThatReferToThemselves() {
    assertThat(
            errors(
                rule("r", "proc.name in (x, a)"),
                "- list: a\n  items: [b]\n- list: b\n  items: [a]\n"))
        .singleElement()
        .asString()
        .contains("list 'a' refers to itself: a -> b");
    assertThat(errors("- macro: a\n  condition: not b\n- macro: b\n  condition: not a\n"))
        .singleElement()
        .asString()
        .contains("reference loop in macro 'a': a -> b -> a");
  }

  @Test
  void boundsWhatMacrosAndListsMultiplyTo() {
    StringBuilder macros = new StringBuilder("- macro: m0\n  condition: proc.name = a\n");
    StringBuilder deep = new StringBuilder("- macro: d0\n  condition: proc.name = a\n");
    StringBuilder lists = new StringBuilder("- list: l0\n  items: [a, b]\n");
    for (int i = 1; i < 600; i++) {
      macros.append("- macro: m%d\n  condition: m%d and m%d\n".formatted(i, i - 1, i - 1));
      deep.append("- macro: d%d\n  condition: not (proc.name = b and d%d)\n".formatted(i, i - 1));
      lists.append("- list: l%d\n  items: [l%d, l%d]\n".formatted(i, i - 1, i - 1));
    }
    assertThat(errors(macros.toString())).anyMatch(e -> e.contains("condition is too large"));
    assertThat(errors(deep.toString())).anyMatch(e -> e.contains("condition is too large"));
    assertThat(errors(lists + rule("r", "proc.name in l599")))
        .anyMatch(e -> e.contains("more than 100000 items in the end"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          source: falco    | source: nowhere | Unknown source 'nowhere': expected one of falco, tls
          source: falco    | tags: []        | the rule names no source, and 'syscall' is unknown
          priority: WARNING | priority: worst | Invalid priority 'worst'
          desc: a rule     | tags: []        | Item has no mapping for key 'desc'
          desc: a rule     | desc: [a]       | Value is not a scalar value: 'desc' is a sequence
          desc: a rule     | desc:           | Mapping for key 'desc' is empty
          desc: a rule     | enabled: maybe  | 'enabled' is 'maybe', expected true or false
          desc: a rule     | tags: x         | Value is not a sequence: 'tags' is 'x'
          output: seen %proc.name | output: seen %proc.nam | nonexistent field proc.nam: did you mean
          output: seen %proc.name | output: "" | Value must be non-empty
          """)
  void refusesInvalidRules(String part, String replacement, String message) {
    assertThat(errors(rule("r", "proc.name = x").replace(part, replacement)))
        .anyMatch(error -> error.contains(message));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {rule: x, condition: and a, append: true}        | no rule by that name already exists
          {rule: x, output: a, override: {output: replace}} | An 'override.<key>: replace' to a rule was requested
          {rule: r, priority: INFO, override: {priority: append}} | Key 'priority' cannot be appended to, use 'replace' instead
          {rule: r, source: x, override: {source: replace}} | Key 'source' cannot be replaced
          {rule: r, source: x, override: {source: append}} | Key 'source' cannot be appended to
          {rule: r, desc: x, override: {desc: remove}}     | Invalid override operation for key 'desc': 'remove'. Allowed values are: append replace
          {rule: r, override: {desc: append}}              | An append override for 'desc' was specified but 'desc' is not defined
          {rule: r, desc: x, output: y, override: {desc: append}} | Unexpected key 'output': no corresponding entry under 'override' is defined.
          {rule: r, condition: and a, append: true, override: {condition: append}} | cannot be used together
          {rule: r, desc: x, append: true}                 | Appended rule must have exceptions or condition property
          {rule: r, condition: proc.name = b, override: {condition: append}} | an appended condition starts with 'and' or 'or'
          {rule: r, source: tls, condition: and a, append: true} | re-defined with a different source
          {list: x, items: [a], append: true}              | List uses 'append'
          {macro: x, condition: or a, override: {condition: append}} | Macro uses 'append'
          {list: x}                                        | Item has no mapping for key 'items'
          {list: x, items: a}                              | Value is not a sequence: 'items' is 'a'
          {list: x, items: [[a]]}                          | sequence value is not scalar: an element of 'items' is a sequence
          {list: '', items: [a]}                           | Value must be non-empty: 'list'
          {list: [a], items: [a]}                          | Value is not a scalar value: 'list' is a sequence
          {required_engine_version: 0.99.0}                | Rules require engine version 0.99.0, but engine version is 0.63.0
          {required_engine_version: 999999999}             | Rules require engine version 0.999999999.0
          {required_engine_version: 1.0.0}                 | Rules require engine version 1.0.0
          {required_engine_version: 1.x}                   | Unable to parse engine version
          {required_plugin_versions: [{name: a}]}          | Item has no mapping for key 'version'
          {required_plugin_versions: [{name: a, version: 1}]} | Invalid required version '1' for plugin 'a'
          {required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: a, version: 1.0.0}]}]} | Defined multiple alternative version requirements for plugin 'a'
          {required_plugin_versions: a}                    | Value of required_plugin_versions must be a sequence
          {rule: none, enabled: true}                      | Rule has 'enabled' key but no rule by that name already exists
          {rule: none, enabled: true, override: {enabled: replace}} | Rule has 'enabled' key but no rule by that name already exists
          a                                                | Each element should be a yaml associative array
          """)
  void refusesInvalidItems(String item, String message) {
    assertThat(errors(rule("r", "proc.name = x"), "- " + item))
        .anyMatch(error -> error.contains(message));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {required_engine_version: 0.26.0}                | []
          {required_engine_version: 15}                    | []
          {required_plugin_versions: [{name: a, version: 0.1.2}]} | []
          {anything: 1}                                    | LOAD_UNKNOWN_ITEM
          {list: unused_list, items: []}                   | LOAD_UNUSED_LIST
          {macro: unused_macro, condition: proc.name = a}  | LOAD_UNUSED_MACRO
          {rule: r, enabled: false}                        | LOAD_DEPRECATED_ITEM
          {rule: r, condition: and proc.name = b, append: true} | LOAD_DEPRECATED_ITEM
          {rule: r, condition: and proc.name = b, override: {condition: append}, sorce: falco} | LOAD_UNKNOWN_KEY
          """)
  void warnsOfWhatItIgnoresOrDoubts(String item, String code) {
    List<String> warnings = warnings(rule("r", "proc.name = x"), "- " + item);
    if (code.equals("[]")) {
      assertThat(warnings).isEmpty();
    } else {
      assertThat(warnings).singleElement().asString().endsWith("[" + code + "]");
    }
  }

  @Test
  void documentsMayBeEmptyAndMany() {
    assertThat(loaded("", "---\n---\n# nothing\n", "--- []\n--- \n- \n", "~").rules()).isEmpty();
    assertThat(
            loaded("---\n" + rule("a", "proc.name = x") + "---\n" + rule("b", "proc.name = x"))
                .rules())
        .hasSize(2);
  }

  @Test
  void aliasesShareValues() {
    RuleSet rules =
        loaded(
            """
            - list: a
              items: &items [x, y]
            - list: b
              items: *items
            """
                + rule("r", "proc.name in (a, b)"));
    assertThat(canonical(rules, "r")).isEqualTo("proc.name in (x, y, x, y)");
  }

  @Test
  void anOverrideOfNoSuchOperationIsOneError() {
    assertThat(
            errors(
                rule("r", "proc.name = x"),
                "- {rule: r, condition: and proc.name = y, override: {condition: merge}}\n"))
        .singleElement()
        .asString()
        .contains("key 'condition': 'merge'. Allowed values are: append replace");
  }

  @Test
  void findsEveryErrorOfEveryFile() {
    assertThat(
            errors(
                rule("a", "proc.name = ") + rule("b", "proc.nam = x") + "- list: x\n",
                rule("c", "nothing"),
                rule("d", "proc.pid = x or proc.pid = y").replace("WARNING", "no")))
        .hasSize(5);
  }

  @Test
  void whatWasRefusedIsNotAlsoUnknown() {
    assertThat(
            errors(
                rule("a", "proc.name in broken_list or broken_macro")
                    + "- list: broken_list\n- macro: broken_macro\n- rule: broken_rule\n  desc: x\n"
                    + "- {rule: broken_rule, condition: and x, override: {condition: append}}\n"))
        .hasSize(5)
        .allMatch(error -> error.contains("Item has no mapping for key"));
  }

  @Test
  void ruleSetsAreEqualInVersionIfTheirFilesSayTheSame() {
    assertThat(loaded(rule("r", "proc.name = x")).version())
        .isEqualTo(loaded("# a comment\n" + rule("r", "proc.name=x")).version());
    assertThat(RuleSet.empty().rules()).isEmpty();
  }
}
