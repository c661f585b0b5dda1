package io.meshward.rules;

import static io.meshward.rules.Loading.errors;
import static io.meshward.rules.Loading.loaded;
import static io.meshward.rules.Loading.rule;
import static io.meshward.rules.Loading.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Items that detect over several events. */
class DetectionLoadingTest {

  private static final String RULES =
      rule("one", "proc.name = a")
          + rule("two", "proc.name = b")
          + """
          - rule: other
            desc: of another source
            source: tls
            condition: tls.result = refused
            output: "%spiffe.id"
            priority: notice
          """;

  private static final String DETECTION =
      """
      - detection: Burst
        desc: too often
        priority: critical
        output: "%spiffe.id did %proc.name %correlation.count times"
        tags: [z, a]
        correlation:
          type: event_count
          rules: [one, two]
          group-by: [spiffe.id, fields.x]
          timespan: 60s
          condition: {gte: 3}
          fire: immediate
      """;

  @Test
  void aDetectionHasEverythingThatItsItemSays() {
    RuleSet rules = loaded(RULES + DETECTION);
    Detection detection = rules.detections().getFirst();
    assertThat(detection.name()).isEqualTo("Burst");
    assertThat(detection.description()).isEqualTo("too often");
    assertThat(detection.priority()).isEqualTo(Priority.CRITICAL);
    assertThat(detection.tags()).containsExactly("a", "z");
    assertThat(detection.groupBy())
        .extracting(FieldReference::toString)
        .containsExactly("spiffe.id", "fields.x");
    assertThat(detection.correlation())
        .isInstanceOfSatisfying(
            Correlation.EventCount.class,
            count -> {
              assertThat(count.rules()).containsExactly("one", "two");
              assertThat(count.timespan()).isEqualTo(Duration.ofMinutes(1));
              assertThat(count.condition().holds(2)).isFalse();
              assertThat(count.condition().holds(3)).isTrue();
              assertThat(count.fire()).isEqualTo(Correlation.Fire.IMMEDIATE);
            });
    assertThat(
            detection
                .output()
                .render(field -> field.name().equals(Detection.COUNT_FIELD) ? 3L : "x"))
        .isEqualTo("x did x 3 times");
  }

  @Test
  void correlatedRulesDoNotEmitUnlessTheDetectionSaysSo() {
    RuleSet rules = loaded(RULES + DETECTION);
    assertThat(emitting(rules)).containsExactly("other");
    RuleSet generating = loaded(RULES + DETECTION.replace("  tags:", "  generate: true\n  tags:"));
    assertThat(emitting(generating)).containsExactly("one", "two", "other");
  }

  private static List<String> emitting(RuleSet rules) {
    return rules.rules().stream().filter(rules::emits).map(Rule::name).toList();
  }

  @Test
  void rulesOfSeveralSourcesShareTheirGroupFields() {
    RuleSet rules =
        loaded(
            RULES
                + DETECTION
                    .replace("[one, two]", "[one, other]")
                    .replace("spiffe.id, fields.x", "spiffe.id")
                    .replace("%proc.name", "%proc.name (%tls.result)"));
    assertThat(rules.detections().getFirst().groupBy()).hasSize(1);
    assertThat(errors(RULES + DETECTION.replace("[one, two]", "[one, other]")))
        .singleElement()
        .asString()
        .contains("cannot group the events of rule 'other' (source tls) by 'fields.x'");
  }

  @Test
  void groupsMayBeLeftOutAndNamesWrittenAlone() {
    RuleSet rules =
        loaded(
            RULES
                + DETECTION
                    .replace("[one, two]", "one")
                    .replace("    group-by: [spiffe.id, fields.x]\n", "")
                    .replace("    fire: immediate\n", ""));
    assertThat(rules.detections().getFirst().groupBy()).isEmpty();
    assertThat(rules.detections().getFirst().correlation().rules()).containsExactly("one");
  }

  @Test
  void theVersionFollowsTheRulesAndTheCorrelation() {
    String version = version(DETECTION);
    assertThat(version(DETECTION)).isEqualTo(version).matches("[0-9a-f]{12}");
    assertThat(version(DETECTION.replace("60s", "61s"))).isNotEqualTo(version);
    assertThat(version(DETECTION.replace("60s", "1m"))).isEqualTo(version);
    assertThat(version(DETECTION.replace("gte: 3", "gte: 4"))).isNotEqualTo(version);
    assertThat(version(DETECTION.replace("gte: 3", "gt: 3"))).isNotEqualTo(version);
    assertThat(version(DETECTION.replace("spiffe.id, ", ""))).isNotEqualTo(version);
    assertThat(loaded(RULES.replace("= a", "= c") + DETECTION).detections().getFirst().version())
        .isNotEqualTo(version);
  }

  private static String version(String detection) {
    return loaded(RULES + detection).detections().getFirst().version();
  }

  @ParameterizedTest
  @CsvSource({"5ms, PT0.005S", "60s, PT1M", "10m, PT10M", "2h, PT2H", "1d, PT24H", "2w, PT336H"})
  void readsTimespans(String text, Duration expected) {
    assertThat(Timespan.parse(text)).contains(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0s",
    "s",
    "1",
    "1y",
    "1.5s",
    "-1s",
    "1S",
    "53w",
    "99999999999999999999d",
    "999999999999w"
  })
  void refusesOtherTimespans(String text) {
    assertThat(Timespan.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          type: event_count  | type: value_count  | correlation type 'value_count' is not supported yet
          type: event_count  | type: absence      | correlation type 'absence' is not supported yet
          type: event_count  | type: magic        | unknown correlation type 'magic'
          type: event_count  | # no type          | Item has no mapping for key 'type'
          [one, two]         | [one, tow]         | unknown rule 'tow': did you mean 'two'?
          [one, two]         | [one, one]         | 'one' is there twice in 'rules'
          [one, two]         | []                 | 'rules' is empty
          [one, two]         | [one, Burst]       | correlating detections is not supported yet
          [spiffe.id, fields.x] | [spiffe.di]     | nonexistent field spiffe.di: did you mean 'spiffe.id'?
          [spiffe.id, fields.x] | [falco.tags]    | it is a list, expected a single value
          [spiffe.id, fields.x] | [tolower(spiffe.id)] | is a transformer's call
          [spiffe.id, fields.x] | [spiffe.id, spiffe.id] | 'spiffe.id' is there twice in 'group-by'
          timespan: 60s      | timespan: 60       | 'timespan' is '60', expected a number above 0
          timespan: 60s      | timespan: 400d     | at most 365 days
          timespan: 60s      | timespam: 60s      | Unknown key 'timespam': did you mean 'timespan'?
          {gte: 3}           | {gte: x}           | 'gte' is 'x', expected a number from 0 to 10000
          {gte: 3}           | {gte: 10001}       | expected a number from 0 to 10000
          {gte: 3}           | {ge: 3}            | unknown comparison 'ge'
          {gte: 3}           | {}                 | 'condition' is empty
          {gte: 3}           | 3                  | 'condition' is '3', expected a mapping
          {gte: 3}           | {lt: 3}            | holds without any event
          {gte: 3}           | {neq: 3}           | holds without any event
          {gte: 3}           | {gt: 5, lt: 5}     | no count fulfils the condition
          fire: immediate    | fire: settled      | fire 'settled' is not supported yet
          fire: immediate    | fire: never        | unknown value 'never' of fire
          desc: too often    | description: x     | Unknown key 'description'
          priority: critical | # none             | Item has no mapping for key 'priority'
          %proc.name         | %proc.nam          | nonexistent field proc.nam: did you mean 'proc.name'?
          detection: Burst   | detection: one     | a rule has the same name
          """)
  void refusesInvalidDetections(String part, String replacement, String message) {
    assertThat(errors(RULES + DETECTION.replace(part, replacement)))
        .anyMatch(error -> error.contains(message));
  }

  @Test
  void ruleWithTheNameOfADetectionIsRefused() {
    assertThat(errors(RULES + DETECTION + rule("Burst", "proc.name = x")))
        .anyMatch(error -> error.contains("a detection has the same name"));
  }

  @Test
  void anInvalidRuleIsNotReportedAgainForItsDetection() {
    assertThat(errors(RULES.replace("proc.name = a", "proc.nam = a") + DETECTION)).hasSize(1);
  }

  @Test
  void warnsOfARuleThatIsDisabled() {
    assertThat(
            warnings(
                RULES + DETECTION + "- {rule: one, enabled: false, override: {enabled: replace}}"))
        .singleElement()
        .asString()
        .contains("rule 'one' is disabled: it will not be counted");
  }

  @Test
  void severalComparisonsMustAllHold() {
    CountCondition condition =
        ((Correlation.EventCount)
                loaded(RULES + DETECTION.replace("{gte: 3}", "{gt: 2, lte: 9, neq: 5}"))
                    .detections()
                    .getFirst()
                    .correlation())
            .condition();
    assertThat(List.of(2L, 3L, 5L, 9L, 10L)).filteredOn(condition::holds).containsExactly(3L, 9L);
    assertThat(condition).hasToString("gt 2, lte 9, neq 5");
  }

  @Test
  void falcosDialectIgnoresThem() {
    LoadResult result =
        RuleLoader.load(
            List.of(new RuleFile("f", RULES + DETECTION)), Loading.SOURCES, Dialect.FALCO);
    assertThat(result).isInstanceOf(LoadResult.Loaded.class);
    assertThat(((LoadResult.Loaded) result).rules().detections()).isEmpty();
    assertThat(result.diagnostics())
        .extracting(Diagnostic::code)
        .containsExactly(DiagnosticCode.LOAD_UNKNOWN_ITEM);
  }
}
