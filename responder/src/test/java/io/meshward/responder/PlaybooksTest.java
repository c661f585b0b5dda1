package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.rules.RuleFile;
import io.meshward.schemas.Containment.RecoveryMode;
import io.meshward.schemas.PlaybookRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
        .containsExactly("illegal-socket-access", "stolen-svid", "svid-request-burst");
    assertThat(shipped.warnings()).isEmpty();
    assertThat(shipped.actions())
        .containsExactlyInAnyOrder(
            "identity.quarantine", "workload.scale", "pod.isolate", "notify");
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
