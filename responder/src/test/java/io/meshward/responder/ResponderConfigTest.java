package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.ConfigFile;
import io.meshward.schemas.ResponseMode;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResponderConfigTest {
  private static final String LEAST =
      """
      kafka: {bootstrap-servers: '127.0.0.1:9092'}
      cluster: local
      trust-domain: example.org
      playbooks: playbooks
      """;

  @Test
  void isSafeUntilToldOtherwise() {
    ResponderConfig config = parse("");

    assertThat(config.mode()).isEqualTo(ResponseMode.PLAN);
    assertThat(config.enforce().namespaces()).isEmpty();
    assertThat(config.budget()).isEqualTo(new ResponderConfig.Budget(3, Duration.ofMinutes(10)));
    assertThat(config.protect().namespaces())
        .contains("kube-system", "spire", "kafka", "meshward-system");
    assertThat(config.approvers()).isEmpty();
    assertThat(config.allowUnsignedApprovals()).isFalse();
    assertThat(config.inventory().preferAddressAnnotation()).isFalse();
    assertThat(config.http().address().toString()).contains("127.0.0.1");
  }

  @Test
  void whatIsAlwaysProtectedStaysProtected() {
    assertThat(parse("protect: {namespaces: [bank]}").protect().namespaces())
        .contains("bank", "kube-system");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mode: enforce                       | expected the namespaces it may act in under enforce.namespaces
          mode: attack                        | attack
          budget: {containments: -1}          | budget.containments is -1: expected 0 or more
          protect: {identities: [payment]}    | expected a SPIFFE ID
          give-up-after: 0s                   | expected more than nothing
          notifications: {webhook: 'ftp://a'} | expected an http or https address
          colour: red                         | colour
          """)
  void saysWhatIsWrong(String line, String message) {
    assertThatThrownBy(() -> parse(line)).hasMessageContaining(message);
  }

  private static ResponderConfig parse(String more) {
    return ConfigFile.parse(LEAST + more, "test", ResponderConfig.class);
  }
}
