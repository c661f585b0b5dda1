package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
    return point
        .ask(Calls.of(PAYMENT, "/api/v1/transfer", new Metadata(), id -> risk, TokenClaims.ABSENT))
        .orTimeout(30, SECONDS)
        .join();
  }
}
