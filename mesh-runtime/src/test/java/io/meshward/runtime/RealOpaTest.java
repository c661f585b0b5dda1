package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shipped Rego on OPA itself, where the environment names one. */
class RealOpaTest {
  private static final Path POLICIES = Path.of("../examples/policies/transfer/opa");
  private static final SpiffeId PAYMENT =
      SpiffeId.parse("spiffe://example.org/ns/shop/sa/svc-payment");

  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

  @TempDir Path folder;

  @BeforeEach
  void find() {
    assumeTrue(RealOpa.binary().isPresent(), "MESHWARD_TEST_OPA names no opa");
  }

  @AfterEach
  void close() {
    executor.shutdownNow();
  }

  @Test
  void theShippedPolicyPassesItsOwnTests() {
    Path opa = RealOpa.binary().orElseThrow();

    RealOpa.run(opa, "check", "--strict", POLICIES.toString());
    assertThat(RealOpa.run(opa, "test", POLICIES.toString())).contains("PASS: 8/8");
  }

  @Test
  void decidesByItsBundleAndLogsWhatTheEventNames() throws IOException {
    try (RealOpa opa = new RealOpa(RealOpa.binary().orElseThrow(), folder, POLICIES, "revision-1");
        OpaDecisionPoint unix = point(OpaOptions.at(opa.unixAddress()));
        OpaDecisionPoint tcp = point(OpaOptions.at(opa.tcpAddress()));
        OpaDecisionPoint keeping =
            point(OpaOptions.at(opa.unixAddress()).cachedFor(Duration.ofMinutes(5)));
        OpaDecisionPoint undefined =
            point(OpaOptions.at(opa.unixAddress()).path("envoy/authz/absent"))) {
      Eventually.await(
          () -> "OPA to answer by its bundle",
          Duration.ofSeconds(60),
          () -> "revision-1".equals(ask(unix, 0.1).policyRevision()));

      DecisionPoint.Answer allowed = ask(unix, 0.2);
      assertThat(allowed.allowed()).isTrue();
      assertThat(allowed.policyRevision()).isEqualTo("revision-1");
      assertThat(allowed.decisionId()).isNotBlank();
      assertThat(ask(tcp, 0.29).allowed()).isTrue();
      assertThat(ask(unix, 0.3).reason()).isEqualTo("opa_denied");
      assertThat(ask(unix, Double.NaN).reason()).isEqualTo("opa_denied");
      assertThat(ask(undefined, 0.1).reason()).isEqualTo("opa_undefined");

      Eventually.await(
          () -> "the decision in OPA's log",
          Duration.ofSeconds(30),
          () ->
              opa.logged().stream()
                  .anyMatch(
                      decision ->
                          decision.path("decision_id").asText().equals(allowed.decisionId())));
      JsonNode logged =
          opa.logged().stream()
              .filter(
                  decision -> decision.path("decision_id").asText().equals(allowed.decisionId()))
              .findFirst()
              .orElseThrow();
      assertThat(logged.path("path").asText()).isEqualTo("envoy/authz/allow");
      assertThat(logged.path("result").asBoolean()).isTrue();
      assertThat(logged.at("/bundles/authz/revision").asText()).isEqualTo("revision-1");
      assertThat(logged.at("/input/attributes/source/principal").asText())
          .isEqualTo(PAYMENT.toString());

      CallFacts known = call("/api/v1/transfer", 0.2);
      DecisionPoint.Answer kept = ask(keeping, known);
      assertThat(kept.allowed()).isTrue();
      assertThat(ask(keeping, known).decisionId())
          .as("not asked twice")
          .isEqualTo(kept.decisionId());

      Path closed = Files.createDirectory(folder.resolve("closed"));
      Files.writeString(
          closed.resolve("policy.rego"), "package envoy.authz\n\ndefault allow := false\n");
      opa.serve(closed, "revision-2");
      Eventually.await(
          () -> "the next revision to refuse",
          Duration.ofSeconds(30),
          () -> {
            DecisionPoint.Answer answer = ask(unix, 0.2);
            return "revision-2".equals(answer.policyRevision()) && !answer.allowed();
          });
      assertThat(ask(keeping, call("/other/method", 0.2)).policyRevision()).isEqualTo("revision-2");
      DecisionPoint.Answer anew = ask(keeping, known);
      assertThat(anew.allowed()).as("what another revision allowed is forgotten").isFalse();
      assertThat(anew.decisionId()).isNotEqualTo(kept.decisionId());
      isLeftAloneWhileItDoesNotAnswer(opa);
    }
  }

  @Test
  void theEventOfACallNamesTheDecisionAndTheRevisionInOpasOwnLog() throws IOException {
    Path open = Files.createDirectory(folder.resolve("open"));
    Files.writeString(open.resolve("policy.rego"), "package envoy.authz\n\nallow := true\n");
    try (Shop shop = new Shop();
        RealOpa opa = new RealOpa(RealOpa.binary().orElseThrow(), folder, open, "revision-7")) {
      MeshRuntime orders =
          shop.ordersRuntime(
              builder ->
                  builder.opa(OpaOptions.at(opa.unixAddress()).timeout(Duration.ofSeconds(10))));
      ManagedChannel channel = shop.dial(shop.frontendRuntime(), shop.serve(orders));
      Eventually.await(
          () -> "a call that OPA allows by its bundle",
          Duration.ofSeconds(60),
          () -> {
            try {
              return Echo.call(channel, "hello").contains("frontend");
            } catch (StatusRuntimeException refused) {
              return false;
            }
          });

      AuthzDecision.Authz event =
          shop.serverEvents
              .await(AuthzDecision.class, call -> call.authz().decision() == Decision.ALLOW)
              .authz();
      assertThat(event.engine()).isEqualTo("opa");
      Eventually.await(
          () -> "the decision " + event.decisionId() + " in OPA's log",
          Duration.ofSeconds(30),
          () -> opa.logged().stream().anyMatch(decision -> isOf(decision, event.decisionId())));
      JsonNode logged =
          opa.logged().stream()
              .filter(decision -> isOf(decision, event.decisionId()))
              .findFirst()
              .orElseThrow();
      assertThat(logged.at("/bundles/authz/revision").asText())
          .isEqualTo("revision-7")
          .isEqualTo(event.policyRevision());
      assertThat("opa:" + logged.path("path").asText()).isEqualTo(event.policyId());
      assertThat(logged.at("/input/attributes/source/principal").asText())
          .isEqualTo(shop.frontend.toString());
    }
  }

  private static boolean isOf(JsonNode decision, @Nullable String id) {
    return decision.path("decision_id").asText().equals(id);
  }

  private void isLeftAloneWhileItDoesNotAnswer(RealOpa opa) {
    try (OpaDecisionPoint hasty =
        new OpaDecisionPoint(
            OpaOptions.at(opa.unixAddress()).timeout(Duration.ofMillis(200)),
            () -> PAYMENT,
            executor,
            System::nanoTime)) {
      Eventually.await("an answer in time", () -> "opa_denied".equals(ask(hasty, 0.2).reason()));
      opa.pause();
      assertThat(ask(hasty, 0.2).reason()).isEqualTo("opa_timeout");
      Eventually.await("the breaker", () -> "opa_paused".equals(ask(hasty, 0.2).reason()));
      opa.goOn();
      Eventually.await("an answer again", () -> "opa_denied".equals(ask(hasty, 0.2).reason()));
    }
  }

  private OpaDecisionPoint point(OpaOptions options) {
    return new OpaDecisionPoint(
        options.timeout(Duration.ofSeconds(10)),
        () -> SpiffeId.parse("spiffe://example.org/ns/shop/sa/payment"),
        executor,
        System::nanoTime);
  }

  private static DecisionPoint.Answer ask(OpaDecisionPoint point, double risk) {
    return ask(point, call("/api/v1/transfer", risk));
  }

  private static DecisionPoint.Answer ask(OpaDecisionPoint point, CallFacts call) {
    return point.ask(call).orTimeout(30, SECONDS).join();
  }

  private static CallFacts call(String path, double risk) {
    return Calls.of(PAYMENT, path, new Metadata(), id -> risk, TokenClaims.ABSENT);
  }
}
