package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Policies over real calls: on trial, with risk, with a services file, and with OPA behind them.
 */
class PolicyCallsTest {
  private final Shop shop = new Shop();
  private final FakeOpa opa = new FakeOpa();

  @TempDir Path folder;

  @AfterEach
  void close() {
    shop.close();
    opa.close();
  }

  @Test
  void aPolicyOnTrialShowsInTheEventAndChangesNothing() throws IOException {
    Path shadow =
        Files.writeString(
            folder.resolve("shadow.json"),
            """
            {"name": "trial", "deny_rules": [{"name": "no frontend", "source": {"principals":
              ["spiffe://shop.test/ns/shop/sa/frontend"]}}], "allow_rules": [{"name": "rest"}]}
            """);

    assertThat(Echo.call(channel(orders -> orders.shadowPolicy(shadow)), "hello"))
        .contains("frontend");

    AuthzDecision.Authz authz = decision().authz();
    assertThat(authz.decision()).isEqualTo(Decision.ALLOW);
    assertThat(authz.shadowDecision()).isEqualTo(Decision.DENY);
    assertThat(authz.shadowPolicyId()).startsWith("trial@");
    assertThat(authz.shadowRuleId()).isEqualTo("deny_rules.no frontend");
    assertThat(authz.ruleId()).isEqualTo("allow_rules.frontend");
  }

  @Test
  void aRiskThatIsUnknownOrTooHighIsRefused() throws IOException {
    Files.writeString(
        shop.policy,
        """
        {"name": "orders", "allow_rules": [{"name": "calm",
          "when": [{"key": "risk.score", "lt": 0.3}, {"key": "tls.mutual", "values": ["true"]},
                   {"key": "tls.version", "values": ["TLSv1.3"]},
                   {"key": "peer.ip", "values": ["127.0.0.0/8"]}]}]}
        """,
        UTF_8);
    double[] score = {Double.NaN};
    ManagedChannel channel = channel(orders -> orders.risk(id -> score[0]));

    assertRefused(channel, "risk_unknown");
    assertThat(decision().authz().riskScore()).isNull();
    score[0] = 0.3;
    assertRefused(channel, "no_rule");
    assertThat(seen(Decision.DENY, 0.3)).isTrue();
    score[0] = 0.29;
    assertThat(Echo.call(channel, "hello")).contains("frontend");
    assertThat(seen(Decision.ALLOW, 0.29)).isTrue();
  }

  @Test
  void aScoreThatNobodyAsksForIsNotLookedUp() {
    ManagedChannel channel =
        channel(
            orders ->
                orders.risk(
                    id -> {
                      throw new IllegalStateException("asked for the score of " + id);
                    }));

    assertThat(Echo.call(channel, "hello")).contains("frontend");
    assertThat(decision().authz().riskScore()).isNull();
  }

  private boolean seen(Decision decision, double score) {
    return shop.serverEvents.of(AuthzDecision.class).stream()
        .map(AuthzDecision::authz)
        .anyMatch(
            authz ->
                authz.decision() == decision && Double.valueOf(score).equals(authz.riskScore()));
  }

  @Test
  void aPeerWhoseSvidLivesLongerThanAgreedIsRefused() throws IOException {
    Path services = services("[spiffe://shop.test/ns/shop/sa/frontend]", "1s", "workload_api");

    assertRefused(channel(orders -> orders.services(services)), "svid_lifetime");
  }

  @Test
  void doesNotStartWithAnSvidThatIsNotAsAgreed() throws IOException {
    Path shortLived = services("[spiffe://shop.test/ns/shop/sa/orders]", "1s", "workload_api");
    assertThatThrownBy(() -> shop.ordersRuntime(orders -> orders.services(shortLived)))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("the services file allows PT1S");

    Path fromFiles = services("[spiffe://shop.test/ns/shop/sa/orders]", "1d", "files");
    assertThatThrownBy(() -> shop.ordersRuntime(orders -> orders.services(fromFiles)))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("comes from files");
  }

  @Test
  void opaHasToAllowAsWellWhatThePolicyAllows() {
    opa.answers(
        200,
        "{\"result\": true, \"decision_id\": \"d1\", \"provenance\": {\"bundles\": {\"authz\":"
            + " {\"revision\": \"r1\"}}}}");
    ManagedChannel channel = channel(orders -> orders.opa(opaOptions()));

    assertThat(Echo.call(channel, "hello")).contains("frontend");
    AuthzDecision.Authz allowed = decision().authz();
    assertThat(allowed.engine()).isEqualTo("opa");
    assertThat(allowed.policyId()).isEqualTo("opa:envoy/authz/allow");
    assertThat(allowed.policyRevision()).isEqualTo("r1");
    assertThat(allowed.decisionId()).isEqualTo("d1");
    assertThat(opa.asked()).hasSize(1);
    assertThat(Echo.call(channel, "again")).contains("frontend");
    assertThat(opa.asked()).as("the second call was answered from the cache").hasSize(1);

    assertThat(
            catchThrowableOfType(
                    StatusRuntimeException.class,
                    () -> Echo.call(channel, Echo.OTHER_SERVICE, "let me in"))
                .getStatus()
                .getCode())
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(opa.asked()).as("what the policy refuses is not asked").hasSize(1);
  }

  @Test
  void opaRefusesAndSoDoesItsSilence() {
    opa.answers(200, "{\"result\": false}");
    ManagedChannel channel = channel(orders -> orders.opa(opaOptions()));
    assertRefused(channel, "opa_denied");
    opa.answers(200, "{}");
    assertRefused(channel, "opa_undefined");
    opa.answers(500, "{}");
    assertRefused(channel, "opa_error");

    opa.falls();
    ManagedChannel impatient =
        channel(orders -> orders.opa(opaOptions().timeout(Duration.ofMillis(50))));
    assertRefused(impatient, "opa_timeout");
  }

  @Test
  void withoutAPolicyOpaDecidesAlone() {
    opa.answers(200, "{\"result\": {\"allowed\": true}}");
    MeshRuntime server = shop.frontendRuntime(frontend -> frontend.opa(opaOptions()));
    ManagedChannel channel = shop.dial(shop.ordersRuntime(), shop.serve(server), shop.frontend);

    assertThat(Echo.call(channel, "hello")).contains("orders");
    assertThat(shop.clientEvents.await(AuthzDecision.class, any -> true).authz().engine())
        .isEqualTo("opa");
  }

  @Test
  void aStreamThatHasToWaitForOpaLosesNothing() {
    opa.answers(200, "{\"result\": true}");
    ManagedChannel channel = channel(orders -> orders.opa(opaOptions()));

    for (int i = 0; i < 50; i++) {
      assertThat(Echo.call(channel, "call " + i)).endsWith("call " + i);
    }
    assertThat(opa.asked()).as("without a revision nothing is cached").hasSize(50);
  }

  private OpaOptions opaOptions() {
    return OpaOptions.at(opa.address()).timeout(Duration.ofSeconds(10));
  }

  private Path services(String ids, String lifetime, String source) throws IOException {
    return Files.writeString(
        folder.resolve("services-" + lifetime + "-" + source + ".yaml"),
        """
        services:
          - ids: %s
            identity_source: %s
            max_svid_lifetime: %s
            rotation: automatic
            granularity: path_prefix
        """
            .formatted(ids, source, lifetime));
  }

  private ManagedChannel channel(UnaryOperator<MeshRuntimeBuilder> orders) {
    return shop.dial(shop.frontendRuntime(), shop.serve(shop.ordersRuntime(orders)));
  }

  private AuthzDecision decision() {
    return shop.serverEvents.await(AuthzDecision.class, any -> true);
  }

  private void assertRefused(ManagedChannel channel, String reason) {
    shop.serverEvents.clear();
    StatusRuntimeException failure =
        catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "let me in"));

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(failure.getStatus().getDescription()).isEqualTo("refused");
    assertThat(decision().authz().reason()).isEqualTo(reason);
    assertThat(decision().authz().decision()).isEqualTo(Decision.DENY);
  }
}
