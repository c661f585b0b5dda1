package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.ForeignTls;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.TestWorkloadApi;
import io.meshward.testkit.Variation;
import io.meshward.testkit.WorkloadEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The harness as a process, as a conformance suite sees it. */
class SpiffeHarnessTest {
  private final TestMesh mesh = TestMesh.start("shop.test");
  private final TestTrustDomain domain = mesh.trustDomain();
  private final SpiffeId orders = domain.name().id("/ns/shop/sa/orders");
  private final SpiffeId frontend = domain.name().id("/ns/shop/sa/frontend");
  private final TestWorkloadApi api = mesh.workload(orders);

  @TempDir Path home;

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void tellsAcceptedClientsTheirIdAndRefusedOnesNothing() throws Exception {
    try (HarnessProcess harness = start()) {
      for (Variation variation : Variation.values()) {
        if (variation == Variation.NO_SUBJECT_NAMES_NOT_CRITICAL) {
          // The JDK, by which this client speaks TLS, cannot load it.
          continue;
        }
        IssuedSvid svid = domain.issue(frontend, IssueOptions.DEFAULT.with(variation));
        String expected = variation.verdict() == Variation.Verdict.VALID ? frontend + "\n" : "";
        assertThat(harness.connect(ForeignTls.context(svid)))
            .as("%s", variation)
            .isEqualTo(expected);
      }
      assertThat(harness.connect(ForeignTls.context(null))).isEmpty();
      TestTrustDomain other = TestTrustDomain.create("other.test");
      assertThat(harness.connect(ForeignTls.context(other.issue(frontend)))).isEmpty();
      SpiffeId foreign = other.name().id("/a");
      assertThat(harness.connect(ForeignTls.context(other.issue(foreign)))).isEmpty();
      assertThat(harness.connect(ForeignTls.context(domain.issue(foreign)))).isEmpty();

      domain.federateWith(other);
      await("federation", () -> harness.accepts(other.issue(foreign)));
      assertThat(harness.connect(ForeignTls.context(domain.issue(foreign)))).isEmpty();
      domain.stopFederatingWith(other);
      await("its end", () -> !harness.accepts(other.issue(foreign)));
    }
  }

  @Test
  void resumesNoSessionWhenAnAuthorityIsGoneOrACertificateIsOver() throws Exception {
    try (HarnessProcess harness = start()) {
      SSLContext old = ForeignTls.context(domain.issue(frontend));
      assertThat(harness.connect(old)).isEqualTo(frontend + "\n");
      SSLContext brief = connectedForAMoment(harness);
      await("the end of its time", () -> harness.connect(brief).isEmpty());

      domain.prepareX509Authority();
      domain.activateX509Authority();
      api.rotate();
      await("the new authority", () -> harness.accepts(domain.issue(frontend)));
      assertThat(harness.connect(old)).isEqualTo(frontend + "\n");
      domain.retireX509Authorities();

      await("the end of the old authority", () -> harness.connect(old).isEmpty());
      assertThat(harness.accepts(domain.issue(frontend))).isTrue();
    }
  }

  /** An SVID that was connected with, and is over soon: as soon as this machine can connect. */
  private SSLContext connectedForAMoment(HarnessProcess harness) throws Exception {
    for (int life : new int[] {4, 12, 25}) {
      SSLContext brief =
          ForeignTls.context(
              domain.issue(frontend, IssueOptions.DEFAULT.timeToLive(Duration.ofSeconds(life))));
      if (harness.connect(brief).equals(frontend + "\n")) {
        return brief;
      }
    }
    throw new AssertionError("no SVID is connected with before it is over");
  }

  @Test
  void showsItsCurrentDefaultSvidAndNoneThatIsWithdrawn() throws Exception {
    try (HarnessProcess harness = start()) {
      SSLContext client = ForeignTls.context(domain.issue(frontend));
      assertThat(harness.serverId(client)).isEqualTo(orders.toString());

      SpiffeId batch = domain.name().id("/ns/shop/sa/batch");
      api.serve(WorkloadEntry.of(batch), WorkloadEntry.of(orders));
      await("the new default", () -> batch.toString().equals(harness.serverId(client)));
      api.closeStreams();
      api.rotate();
      assertThat(harness.serverId(client)).isEqualTo(batch.toString());
      api.redact();
      await("the withdrawal", () -> harness.serverId(client).isEmpty());
      assertThat(
              harness
                  .post("/v1/x509/dial", "{\"address\":\"127.0.0.1:" + harness.x509Port() + "\"}")
                  .status())
          .isEqualTo(422);
      api.resume();
      await("the return", () -> batch.toString().equals(harness.serverId(client)));
    }
  }

  @Test
  void dialsServersAndSaysWhoTheyAreOrThatTheyAreRefused() throws Exception {
    try (HarnessProcess harness = start()) {
      for (Variation variation : Variation.values()) {
        if (variation == Variation.NO_SUBJECT_NAMES_NOT_CRITICAL) {
          continue;
        }
        IssuedSvid svid = domain.issue(frontend, IssueOptions.DEFAULT.with(variation));
        try (TlsPeer.Listening server = TlsPeer.serve(svid)) {
          HarnessProcess.Answer answer =
              harness.post("/v1/x509/dial", "{\"address\":\"127.0.0.1:" + server.port() + "\"}");
          if (variation.verdict() == Variation.Verdict.VALID) {
            assertThat(answer.status()).as("%s: %s", variation, answer).isEqualTo(200);
            assertThat(answer.body().path("spiffe_id").asText()).isEqualTo(frontend.toString());
          } else {
            assertThat(answer.status()).as("%s: %s", variation, answer).isEqualTo(422);
            assertThat(answer.body().path("status").asText()).isEqualTo("rejected");
            assertThat(answer.body().path("message").asText()).isNotEmpty();
          }
        }
      }
    }
  }

  @Test
  void validatesAndFetchesJwtSvids() throws Exception {
    try (HarnessProcess harness = start()) {
      String token = domain.issueJwt(frontend, Set.of("orders"), Duration.ofMinutes(5));

      HarnessProcess.Answer valid = harness.validate(token, "orders");
      assertThat(valid.status()).isEqualTo(200);
      assertThat(valid.body().path("status").asText()).isEqualTo("ok");
      assertThat(valid.body().path("spiffe_id").asText()).isEqualTo(frontend.toString());
      assertThat(valid.body().path("claims").path("sub").asText()).isEqualTo(frontend.toString());
      assertThat(valid.body().path("claims").path("exp").isIntegralNumber()).isTrue();
      for (String bad :
          new String[] {
            "", "x", token + "x", token + "\n", " " + token, token.replace(".", "=.")
          }) {
        assertThat(harness.validate(bad, "orders").status()).as(bad).isEqualTo(422);
      }
      assertThat(harness.validate(token, "").status()).isEqualTo(422);
      assertThat(harness.validate(token, "other").status()).isEqualTo(422);

      HarnessProcess.Answer fetched =
          harness.post("/v1/jwt/fetch", "{\"audience\":[\"a\",\"b\"],\"spiffe_id\":\"\"}");
      JsonNode svid = fetched.body().path("svids").path(0);
      assertThat(svid.path("spiffe_id").asText()).isEqualTo(orders.toString());
      assertThat(svid.path("hint").asText()).isEmpty();
      assertThat(harness.validate(svid.path("token").asText(), "b").status()).isEqualTo(200);
      assertThat(harness.post("/v1/jwt/fetch", "{\"audience\":[]}").status()).isEqualTo(422);
      assertThat(
              harness
                  .post("/v1/jwt/fetch", "{\"audience\":[\"a\"],\"spiffe_id\":\"no id\"}")
                  .status())
          .isEqualTo(422);
      api.failWith(Status.UNAVAILABLE);
      assertThat(harness.post("/v1/jwt/fetch", "{\"audience\":[\"a\"]}").status()).isEqualTo(422);
    }
  }

  @Test
  void tellsAboutItselfAndHasNoOtherFunctions() throws Exception {
    try (HarnessProcess harness = start()) {
      assertThat(harness.get("/v1/info").status()).isEqualTo(200);
      assertThat(harness.get("/v1/info").body().path("identity").asText()).contains("Ready");
      assertThat(harness.post("/v1/wit/fetch", "{}").status()).isEqualTo(501);
      assertThat(harness.post("/v1/jwt/validate", "no JSON").status()).isEqualTo(500);
      for (String value :
          new String[] {
            "\"127.0.0.1\"",
            "\"\"",
            "\":8443\"",
            "\"127.0.0.1:\"",
            "\"127.0.0.1:http\"",
            "\"127.0.0.1:-1\"",
            "\"127.0.0.1:0\"",
            "\"127.0.0.1:65536\"",
            "\"127.0.0.1:99999999999\"",
            "\"::1:8443\"",
            "\"[x]:8443\"",
            "\"127.0.0.1:8443 \"",
            "8443",
            "null",
          }) {
        assertUnusable(harness.post("/v1/x509/dial", "{\"address\":" + value + "}"), value);
      }
      assertUnusable(harness.post("/v1/x509/dial", "{}"), "absent");
    }
  }

  private static void assertUnusable(HarnessProcess.Answer answer, String value) {
    assertThat(answer.status()).as(value).isEqualTo(500);
    assertThat(answer.body().path("status").asText()).isEqualTo("error");
    assertThat(answer.body().path("message").asText())
        .startsWith("\"address\" is " + value + ": expected host:port")
        .contains("127.0.0.1:8443");
  }

  @Test
  void isNotReadyWithoutAnSvidAndReadyOnceItHasOne() throws Exception {
    api.redact();
    try (HarnessProcess harness = HarnessProcess.begin(api.address(), home)) {
      await("two tries", () -> api.calls().fetchX509Svid() >= 2);
      assertThat(harness.isReady()).isFalse();

      api.resume();

      harness.awaitReady();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"unix://host/path", "tcp://localhost:1", "http://127.0.0.1:1", ""})
  void endsWithAnErrorThatNamesAnAddressThatIsWrong(String address) throws Exception {
    try (HarnessProcess harness = HarnessProcess.begin(address, home)) {
      assertThat(harness.awaitExit()).isEqualTo(ExitCode.USAGE);
      assertThat(harness.errors()).contains(address).contains("SPIFFE_ENDPOINT_SOCKET");
      assertThat(harness.isReady()).isFalse();
    }
  }

  @Test
  void endsSoonWhenToldTo() throws Exception {
    Duration soon = Duration.ofSeconds(5);
    Duration quickest = Duration.ofDays(1);
    // The quickest of some ends, if need be: the machine may hold one of them up.
    for (int i = 0; i < 3 && quickest.compareTo(soon) >= 0; i++) {
      try (HarnessProcess harness = start()) {
        long begin = System.nanoTime();
        harness.terminate();
        harness.awaitExit();
        Duration taken = Duration.ofNanos(System.nanoTime() - begin);
        quickest = taken.compareTo(quickest) < 0 ? taken : quickest;
      }
    }
    assertThat(quickest).isLessThan(soon);
  }

  @Test
  void rehearsesAllThatASuiteAsksFor() {
    assertThatCode(Rehearsal::run).doesNotThrowAnyException();
  }

  private HarnessProcess start() throws Exception {
    HarnessProcess harness = HarnessProcess.begin(api.address(), home);
    harness.awaitReady();
    return harness;
  }

  /** A condition that may fail to be judged, as while a connection breaks. */
  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(String what, Condition condition) throws Exception {
    BooleanSupplier holds =
        () -> {
          try {
            return condition.holds();
          } catch (IOException e) {
            return false;
          }
        };
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("no %s within 30 s", what).isLessThan(end);
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }
}
