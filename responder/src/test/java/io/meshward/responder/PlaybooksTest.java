package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.rules.CompiledCondition;
import io.meshward.rules.RuleFile;
import io.meshward.schemas.Containment.RecoveryMode;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.PlaybookRef;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlaybooksTest {
  private static final String GOOD =
      """
      - list: namespaces
        items: [shop, bank]
      - macro: ours
        condition: target.namespace in (namespaces)
      - playbook: burst
        desc: Answers a burst.
        match: detection.tags intersects (burst) and ours
        steps:
          - action: identity.quarantine
            params: {ttl: 1h}
          - action: workload.scale
        recover: {mode: manual}
      """;

  @Test
  void theShippedOnesAreValid() {
    Playbooks shipped = Playbooks.load(Path.of("..", "playbooks"));

    assertThat(shipped.refs())
        .extracting(PlaybookRef::name)
        .containsExactly(
            "claimed-identity", "illegal-socket-access", "stolen-svid", "svid-request-burst");
    assertThat(shipped.warnings()).isEmpty();
    assertThat(shipped.actions())
        .containsExactlyInAnyOrder(
            "identity.quarantine", "workload.scale", "pod.isolate", "notify");
  }

  @ParameterizedTest
  @CsvSource({
    "spoofed_identity, claimed-identity",
    "jwt_replay, claimed-identity",
    "broken_delegation, claimed-identity",
    "illegal_socket_access, illegal-socket-access",
    "stolen_svid, stolen-svid",
    "svid_request_burst, svid-request-burst",
    "confused_deputy,",
  })
  void theShippedOnesAnswerWhatTheShippedRulesFind(String tag, @Nullable String name) {
    List<Playbook> answers =
        Playbooks.load(Path.of("..", "playbooks")).all().stream()
            .filter(playbook -> playbook.match().test(fields(tag, null)))
            .toList();

    assertThat(answers.stream().map(Playbook::name))
        .isEqualTo(name == null ? List.of() : List.of(name));
  }

  /** All but the one that asks about everything. */
  @Test
  void theShippedOnesAskUnlessAReporterSignedOrNoneIsExpectedTo() {
    for (Playbook playbook : Playbooks.load(Path.of("..", "playbooks")).all()) {
      if (playbook.mode() == ResponseMode.APPROVE) {
        continue;
      }
      assertThat(playbook.approval()).as(playbook.name()).isPresent();
      CompiledCondition asks = playbook.approval().orElseThrow();
      assertThat(asks.test(fields("any", null))).as("alerts").isFalse();
      assertThat(asks.test(fields("any", EvidenceRef.Signature.VALID))).isFalse();
      assertThat(asks.test(fields("any", EvidenceRef.Signature.UNVERIFIED))).isTrue();
      assertThat(asks.test(fields("any", EvidenceRef.Signature.NONE))).isTrue();
    }
  }

  private static PlaybookFields fields(String tag, EvidenceRef.@Nullable Signature signature) {
    Target target = new Target(null, "shop", null, null, null, null, null, null);
    return new PlaybookFields(
        Detections.of(tag, target, Instant.now(), null, signature), target, Map.of());
  }

  @Test
  void readsListsMacrosAndDefaults() {
    Playbook playbook = parse(GOOD).all().getFirst();

    assertThat(playbook.mode()).isNull();
    assertThat(playbook.cooldown()).isZero();
    assertThat(playbook.maxAge()).isEqualTo(Duration.ofMinutes(10));
    assertThat(playbook.verifyWithin()).isEqualTo(Duration.ofSeconds(60));
    assertThat(playbook.recovery().mode()).isEqualTo(RecoveryMode.MANUAL);
    assertThat(playbook.steps().get(1).action()).isEqualTo(new ActionTemplate.Scale(0));
    assertThat(playbook.steps().get(1).timeout()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void aVersionChangesWithWhatCountsAndWithNothingElse() {
    String version = parse(GOOD).refs().getFirst().version();

    assertThat(parse(GOOD.replace("Answers a burst.", "Other words.")).refs().getFirst().version())
        .isEqualTo(version);
    assertThat(parse(GOOD.replace("1h", "2h")).refs().getFirst().version()).isNotEqualTo(version);
    assertThat(parse(GOOD.replace("bank", "mint")).refs().getFirst().version())
        .isNotEqualTo(version);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          recover: {mode: manual}   | recover: {mode: perhaps}               | 'mode' is 'perhaps', expected one of manual, auto
          recover: {mode: manual}   | recover: {mode: manual, for: 5m}       | 'healthy', 'for' and 'relapse-within' are for 'mode: auto'
          recover: {mode: manual}   | recover: {mode: auto}                  | an automatic recovery needs a condition
          recover: {mode: manual}   | verify: {within: 5s}                   | the key 'recover' is missing
          desc: Answers a burst.    | description: Answers.                  | a playbook has no key 'description'
          playbook: burst           | playbook: Burst of SVIDs               | the name 'Burst of SVIDs' is not of the form
          action: workload.scale    | action: workload.delete                | there is no action 'workload.delete'
          params: {ttl: 1h}         | params: {ttl: soon}                    | 'ttl' is 'soon', expected
          params: {ttl: 1h}         | params: {until: svid.expiry}           | 'until: svid.expiry' needs 'issued-before: detection.time'
          params: {ttl: 1h}         | params: {scope: everything}            | 'scope' is 'everything', expected identity or trust-domain
          params: {ttl: 1h}         | params: {reason: none}                 | the parameters has no key 'reason'
          and ours                  | and theirs                             | theirs
          and ours                  | and target.colour = red                | target.colour
          """)
  void saysWhatIsWrongAndWhere(String good, String bad, String message) {
    assertThat(GOOD).contains(good);

    assertThatThrownBy(() -> parse(GOOD.replace(good, bad)))
        .isInstanceOf(PlaybookException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("test.yaml:");
  }

  @Test
  void reportsEverythingAtOnce() {
    String bad = GOOD.replace("1h", "soon").replace("workload.scale", "workload.stop");

    assertThatThrownBy(() -> parse(bad))
        .hasMessageContaining("'ttl' is 'soon'")
        .hasMessageContaining("there is no action 'workload.stop'");
  }

  @Test
  void aLaterFileChangesAPlaybookAsItChangesLists() {
    Playbook changed =
        Playbooks.parse(
                List.of(
                    new RuleFile("shipped.yaml", GOOD),
                    new RuleFile(
                        "local.yaml",
                        """
                        - list: namespaces
                          items: [store]
                          override: {items: append}
                        - playbook: burst
                          override: {match: append, steps: append, exceptions: append, mode: replace}
                          match: or detection.tags intersects (flood)
                          mode: approve
                          exceptions:
                            - name: drills
                              fields: [target.owner.name, detection.rule]
                              values:
                                - [canary, Drill]
                          steps:
                            - action: notify
                              params: {to: log, text: seen}
                        - playbook: burst
                          override: {exceptions: append, cooldown: replace}
                          exceptions:
                            - name: drills
                              values:
                                - [sandbox, Drill]
                          cooldown: 5m
                        """)))
            .all()
            .getFirst();

    assertThat(changed.match().condition().canonical())
        .contains("store")
        .contains("flood")
        .contains("not (")
        .contains("canary")
        .contains("sandbox");
    assertThat(changed.mode()).isEqualTo(ResponseMode.APPROVE);
    assertThat(changed.cooldown()).isEqualTo(Duration.ofMinutes(5));
    assertThat(changed.steps())
        .extracting(step -> step.action().action())
        .containsExactly("identity.quarantine", "workload.scale", "notify");
    assertThat(changed.recovery().mode()).isEqualTo(RecoveryMode.MANUAL);
  }

  @Test
  void anExceptionKeepsAPlaybookAwayFromWhatItNames() {
    Playbook playbook =
        parse(
                """
                - playbook: burst
                  desc: Answers a burst.
                  match: detection.tags intersects (burst) or detection.late = true
                  exceptions:
                    - name: gateways
                      fields: target.owner.name
                      values: [gateway, "edge proxy"]
                  steps:
                    - action: identity.quarantine
                  recover: {mode: manual}
                """)
            .all()
            .getFirst();

    assertThat(playbook.match().test(fields("orders"))).isTrue();
    assertThat(playbook.match().test(fields("gateway"))).isFalse();
    assertThat(playbook.match().test(fields("edge proxy"))).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          playbook: other | override: {mode: replace}  | mode: plan       | there is no earlier playbook of that name to change
          playbook: burst | override: {mode: append}   | mode: plan       | 'mode' cannot be appended to, only approval, exceptions, match, protect, steps: expected replace
          playbook: burst | override: {mode: swap}     | mode: plan       | 'mode' is 'swap', expected append or replace
          playbook: burst | override: {mode: replace}  | cooldown: 5m     | 'cooldown' is not under 'override'
          playbook: burst | override: {mode: replace}  | cooldown: 5m     | 'mode' is to be changed, but is not there
          playbook: burst | override: {colour: append} | mode: plan       | 'override' has no key 'colour'
          playbook: burst | override: {match: append}  | match: ours      | an appended condition starts with 'and' or 'or'
          playbook: burst | override: replace          | mode: plan       | 'override' is 'replace', expected a mapping
          """)
  void saysWhatIsWrongWithAChange(String name, String override, String key, String message) {
    assertThatThrownBy(
            () ->
                Playbooks.parse(
                    List.of(
                        new RuleFile("shipped.yaml", GOOD),
                        new RuleFile(
                            "local.yaml", "- " + name + "\n  " + override + "\n  " + key + "\n"))))
        .isInstanceOf(PlaybookException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("local.yaml:");
  }

  private static PlaybookFields fields(String owner) {
    Target target =
        new Target(
            "local", "shop", null, null, null, null, new OwnerRef("Deployment", owner, "1"), null);
    return new PlaybookFields(Detections.of("burst", target), target, Map.of());
  }

  @Test
  void refusesTwoOfOneName() {
    assertThatThrownBy(
            () ->
                Playbooks.parse(
                    List.of(
                        new RuleFile("one.yaml", GOOD),
                        new RuleFile("two.yaml", GOOD.substring(GOOD.indexOf("- playbook"))))))
        .hasMessageContaining("there is another playbook of that name");
  }

  private static Playbooks parse(String yaml) {
    return Playbooks.parse(List.of(new RuleFile("test.yaml", yaml)));
  }
}
