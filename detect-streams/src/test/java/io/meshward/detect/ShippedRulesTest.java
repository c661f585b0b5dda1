package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.rules.LoadResult;
import io.meshward.rules.RuleSet;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.Target;
import io.meshward.schemas.TlsHandshake;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules that Meshward ships, each with what it must find and what it must leave alone. */
class ShippedRulesTest {
  private static final Path RULES = Path.of("..", "rules");
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
  private static final Instant LONG_AGO = START.minusSeconds(3600);

  private static final String BURST = "SVID request burst";
  private static final String ISSUE_BURST = "SVID issue burst";
  private static final String ILLEGAL_WORKLOAD_API = "Illegal Workload API socket access";
  private static final String ILLEGAL_MESH = "Illegal mesh socket access";
  private static final String STOLEN = "Stolen SVID";

  private static final String FETCH = "spire-agent api fetch x509";

  @TempDir Path directory;
  private Bench bench;

  @BeforeEach
  void start() {
    RuleSet rules = Bench.loaded(RuleFiles.load(List.of(RULES)));
    bench = new Bench(directory, START, rules);
    bench.knows(
        Events.pod("frontend", 0, "10.0.0.1", LONG_AGO),
        Events.pod("frontend", 1, "10.0.0.2", LONG_AGO),
        Events.pod("orders", 0, "10.0.0.3", LONG_AGO),
        Events.pod("payment", 0, "10.0.0.4", LONG_AGO),
        Events.pod("auth-proxy", 0, "10.0.0.5", LONG_AGO));
    bench.advance(InventoryTable.SETTLING);
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  @Test
  void loadWithoutAnyWarning() {
    assertThat(RuleFiles.load(List.of(RULES)).diagnostics()).isEmpty();
    assertThat(RuleFiles.load(List.of(RULES))).isInstanceOf(LoadResult.Loaded.class);
  }

  // SVID request burst

  @Test
  void threeSvidRequestsWithinAMinuteAreABurst() {
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("b", 20, "frontend-0"));
    assertThat(bench.detections()).isEmpty();
    bench.send(fetch("c", 59, "frontend-0"));

    assertThat(bench.detections())
        .singleElement()
        .satisfies(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo(BURST);
              assertThat(written.data().detection().priority()).isEqualTo("Critical");
              assertThat(written.data().detection().tags()).contains("svid_request_burst");
              assertThat(written.data().detection().output())
                  .startsWith("3 abnormal SVID requests within 60 s in demo/uid-frontend");
              assertThat(written.data().target().spiffeId()).isEqualTo(Events.id("frontend"));
              assertThat(written.key()).isEqualTo("demo/uid-frontend");
            });
  }

  @Test
  void requestsInSeveralPodsOfOneWorkloadCountTogether() {
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("b", 1, "frontend-1"));
    bench.send(fetch("c", 2, "frontend-0"));
    assertThat(bench.detected()).containsExactly(BURST);
  }

  @Test
  void requestsOfSeveralWorkloadsDoNotCountTogether() {
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("b", 1, "orders-0"));
    bench.send(fetch("c", 2, "payment-0"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void requestsAMinuteApartAreNoBurst() {
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("b", 30, "frontend-0"));
    bench.send(fetch("c", 60, "frontend-0"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void aRequestThatIsReportedTwiceCountsOnce() {
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("a", 0, "frontend-0"));
    bench.send(fetch("b", 1, "frontend-0"));
    bench.send(fetch("b", 1, "frontend-0"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void aPodThatTheInventoryDoesNotKnowIsAGroupOfItsOwn() {
    bench.send(fetch("a", 0, "stranger-1"));
    bench.send(fetch("b", 1, "stranger-2"));
    bench.send(fetch("c", 2, "stranger-1"));
    assertThat(bench.detections()).isEmpty();
    bench.send(fetch("d", 3, "stranger-1"));
    assertThat(bench.detected()).containsExactly(BURST);
  }

  @Test
  void aWorkloadThatOpensTheWorkloadApiItselfIsNotAbnormal() {
    for (int n = 0; n < 10; n++) {
      bench.send(
          Events.socketAlert("own-" + n, at(n), "frontend-0", "java", "java -jar frontend.jar"));
    }
    assertThat(bench.detections()).isEmpty();
  }

  // SVID issue burst

  @Test
  void threeSvidsIssuedToOneProcessBeforeTheirTimeAreABurst() {
    for (int n = 0; n < 3; n++) {
      bench.send(rotated("r" + n, n, "i-1", 5));
    }
    assertThat(bench.detected()).containsExactly(ISSUE_BURST);
  }

  @Test
  void oneEarlyRotationOfEachReplicaIsAChangeOfTheirEntry() {
    for (int n = 0; n < 5; n++) {
      bench.send(rotated("r" + n, n, "i-" + n, 5));
    }
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void rotationsThatWereDueAreNoBurst() {
    for (int n = 0; n < 5; n++) {
      bench.send(rotated("r" + n, n, "i-1", 50));
    }
    assertThat(bench.detections()).isEmpty();
  }

  // Illegal Workload API socket access

  @Test
  void aShellOrAToolAtTheWorkloadApiIsIllegal() {
    bench.send(Events.socketAlert("a", at(0), "auth-proxy-0", "bash", "bash -i"));
    bench.send(Events.socketAlert("b", at(1), "auth-proxy-0", "grpcurl", "grpcurl -plaintext"));
    bench.send(Events.socketAlert("c", at(2), "auth-proxy-0", "nc", "nc -U " + Events.SOCKET));
    bench.send(Events.socketAlert("d", at(3), "auth-proxy-0", "curl", "curl --unix-socket x"));
    assertThat(bench.detections())
        .hasSize(4)
        .allSatisfy(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo(ILLEGAL_WORKLOAD_API);
              assertThat(written.data().target().pod()).isEqualTo("auth-proxy-0");
              assertThat(written.data().target().podUid()).isEqualTo("uid-auth-proxy-0");
              assertThat(written.key()).isEqualTo("demo/uid-auth-proxy");
            });
  }

  @Test
  void anExecutableThatCameAfterTheImageIsIllegal() {
    bench.send(access("a", "worker", Map.of("proc.is_exe_upper_layer", true)));
    bench.send(access("b", "worker", Map.of("proc.is_exe_from_memfd", true)));
    bench.send(access("c", "worker", Map.of("proc.exepath", "/tmp/x/worker")));
    assertThat(bench.detected()).hasSize(3).containsOnly(ILLEGAL_WORKLOAD_API);
    bench.send(access("d", "worker", Map.of("proc.exepath", "/tmpfiles/worker")));
    bench.send(access("e", "worker", Map.of("proc.is_exe_upper_layer", false)));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void theAgentsFetchToolInSomebodysHandsIsIllegal() {
    bench.send(access("a", "spire-agent", Map.of("proc.cmdline", FETCH, "proc.pname", "bash")));
    bench.send(access("b", "spire-agent", Map.of("proc.cmdline", FETCH, "proc.tty", 34_816)));
    assertThat(bench.detected()).containsExactly(ILLEGAL_WORKLOAD_API, ILLEGAL_WORKLOAD_API);
  }

  @Test
  void workloadsAndTheAgentsOwnProbesMayOpenTheWorkloadApi() {
    bench.send(Events.socketAlert("a", at(0), "auth-proxy-0", "envoy", "envoy -c x.yaml"));
    bench.send(Events.socketAlert("b", at(1), "auth-proxy-0", "spiffe-helper", "spiffe-helper"));
    bench.send(
        Events.socketAlert("c", at(2), "spire-agent-x", "spire-agent", "spire-agent healthcheck"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void aShellThatOpensAnotherSocketIsNoneOfOurBusiness() {
    bench.send(
        Events.alert(
            "a",
            at(0),
            "auth-proxy-0",
            Map.of(
                "k8s.pod.name", "auth-proxy-0", "proc.name", "bash", "fd.name", "/run/x/db.sock")));
    assertThat(bench.detections()).isEmpty();
  }

  // Illegal mesh socket access

  @Test
  void aPodThatSpeaksWithoutAnSvidIsIllegal() {
    bench.send(refused("a", "no_client_cert", "10.0.0.5"));
    assertThat(bench.detections())
        .singleElement()
        .satisfies(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo(ILLEGAL_MESH);
              assertThat(written.data().target().pod()).isEqualTo("auth-proxy-0");
              assertThat(written.data().svid()).as("nobody proved it").isNull();
            });
  }

  @Test
  void probesFromTheNodeAndRefusalsOfAnotherKindAreNot() {
    bench.send(refused("a", "no_client_cert", "192.168.0.1"));
    bench.send(refused("b", "expired", "10.0.0.5"));
    bench.send(refused("c", "no_client_cert", "203.0.113.9"));
    assertThat(bench.detections()).isEmpty();
  }

  // Stolen SVID

  @Test
  void anSvidUsedFromOutsideIsStolen() {
    bench.send(used("a", "orders", "203.0.113.9"));
    assertThat(bench.detections())
        .singleElement()
        .satisfies(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo(STOLEN);
              Target target = written.data().target();
              assertThat(target.spiffeId()).isEqualTo(Events.id("orders"));
              assertThat(target.pod()).as("no pod of it is to blame").isNull();
              assertThat(written.key()).isEqualTo("demo/uid-orders");
              assertThat(written.data().svid()).isNotNull();
              assertThat(written.data().peer()).isNotNull();
            });
  }

  @Test
  void anSvidUsedByThePodOfAnotherWorkloadIsStolen() {
    bench.send(used("a", "orders", "10.0.0.4"));
    assertThat(bench.detections())
        .singleElement()
        .satisfies(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo(STOLEN);
              assertThat(written.key()).isEqualTo("demo/uid-orders");
              assertThat(written.data().detection().output()).contains("pod=shop/payment-0");
            });
  }

  @Test
  void anSvidUsedByItsOwnPodsIsNot() {
    bench.send(used("a", "orders", "10.0.0.3"));
    bench.send(used("b", "frontend", "10.0.0.1"));
    bench.send(used("c", "frontend", "10.0.0.2"));
    bench.send(used("d", "orders", "192.168.0.1"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void anSvidUsedThroughAKnownGatewayIsNot() {
    bench.send(used("a", "orders", "192.0.2.7"));
    assertThat(bench.detections()).isEmpty();
    bench.send(used("b", "orders", "192.0.3.7"));
    assertThat(bench.detections()).hasSize(1);
  }

  @Test
  void anAddressThatChangedHandsALittleWhileAgoProvesNothing() {
    bench.knows(Events.pod("payment", 1, "10.0.0.9", at(0)));
    bench.send(used("a", at(29), "orders", "10.0.0.9"));
    assertThat(bench.detections()).isEmpty();
    bench.send(used("b", at(30), "orders", "10.0.0.9"));
    assertThat(bench.detected()).containsExactly(STOLEN);
  }

  @Test
  void aPodThatJustEndedMayStillBeHeardOf() {
    bench.knows(Events.pod("orders", 1, "10.0.0.9", LONG_AGO, at(0)));
    bench.send(used("a", at(29), "orders", "10.0.0.9"));
    assertThat(bench.detections()).isEmpty();
    bench.send(used("b", at(31), "orders", "10.0.0.9"));
    assertThat(bench.detected()).containsExactly(STOLEN);
  }

  @Test
  void nothingIsStolenWhileAPodOfTheIdentityHasNoKnownAddress() {
    Inventory starting = Events.pod("orders", 1, null, at(0));
    bench.knows(starting);
    bench.send(used("a", "orders", "10.0.0.77"));
    assertThat(bench.detections()).isEmpty();
    bench.knows(Events.pod("orders", 1, "10.0.0.77", at(0)));
    bench.send(used("b", "orders", "10.0.0.77"));
    assertThat(bench.detections()).isEmpty();
    bench.send(used("c", "orders", "10.0.0.78"));
    assertThat(bench.detected()).containsExactly(STOLEN);
  }

  @Test
  void nothingIsStolenOfAnIdentityWhosePodsNobodyKnows() {
    bench.send(used("a", "somebody-else", "203.0.113.9"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void whatAClientSaysOfItsServerIsNoTheft() {
    bench.send(
        Events.handshake(
            "a",
            at(0),
            TlsHandshake.Role.CLIENT,
            TlsHandshake.Result.SUCCESS,
            null,
            "payment",
            Events.id("orders"),
            "203.0.113.9"));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void anEventOlderThanTheInventoryRemembersProvesNothing() {
    bench.send(used("a", START.minus(InventoryTable.MEMORY), "orders", "203.0.113.9"));
    assertThat(bench.detections()).isEmpty();
  }

  // Claimed identities

  @Test
  void metadataThatClaimsAnIdentityIsSpoofed() {
    bench.send(
        decision("a", true, null, null, null, new AuthzDecision.Metadata(List.of("x-spiffe-id"))));
    assertThat(bench.detections())
        .singleElement()
        .satisfies(
            written -> {
              assertThat(written.data().detection().rule()).isEqualTo("Spoofed identity metadata");
              assertThat(written.data().detection().output()).contains("x-spiffe-id");
              assertThat(written.data().target().spiffeId()).isEqualTo(Events.id("frontend"));
            });
  }

  @Test
  void aTokenInOtherHandsOrUsedTooOftenIsReplayed() {
    AuthzDecision.Jwt token =
        new AuthzDecision.Jwt(
            Events.id("orders").toString(),
            List.of("payment"),
            null,
            null,
            "ab".repeat(32),
            at(0),
            at(60),
            null);
    bench.send(decision("a", false, "jwt_peer", null, token, null));
    bench.send(decision("b", false, "jwt_replayed", null, token, null));
    assertThat(bench.detected()).containsExactly("Replayed JWT-SVID", "Replayed JWT-SVID");
    bench.send(decision("c", false, "jwt_expired", null, token, null));
    bench.send(decision("d", true, null, null, token, null));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void aDelegationThatDoesNotHoldIsBroken() {
    bench.send(decision("a", false, "delegation_peer", null, null, null));
    bench.send(decision("b", false, "delegation_loop", null, null, null));
    bench.send(decision("c", false, "xfcc_by", null, null, null));
    assertThat(bench.detected()).hasSize(3).containsOnly("Broken delegation");
    bench.send(decision("d", false, "delegation_expired", null, null, null));
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void aCallOnBehalfOfSomebodyWhoMayNotIsAConfusedDeputys() {
    AuthzDecision.Delegation chain = new AuthzDecision.Delegation(List.of(Events.id("orders")));
    bench.send(decision("a", true, null, chain, null, null));
    assertThat(bench.detections()).isEmpty();
    bench.send(decision("b", false, "on_behalf_of_refused", chain, null, null));
    assertThat(bench.detected()).containsExactly("Confused deputy");
  }

  @Test
  void anOrdinaryDecisionClaimsNothing() {
    bench.send(decision("a", true, null, null, null, null));
    bench.send(decision("b", false, "no_rule", null, null, null));
    assertThat(bench.detections()).isEmpty();
  }

  private Envelope<AuthzDecision> decision(
      String id,
      boolean allowed,
      @Nullable String reason,
      AuthzDecision.@Nullable Delegation delegation,
      AuthzDecision.@Nullable Jwt jwt,
      AuthzDecision.@Nullable Metadata meta) {
    return Events.decision(
        id,
        at(0),
        "payment",
        Events.id("frontend"),
        "10.0.0.1",
        allowed,
        reason,
        delegation,
        jwt,
        meta);
  }

  private Instant at(long seconds) {
    return bench.now().plusSeconds(seconds);
  }

  private Envelope<FalcoAlert> fetch(String id, long seconds, String pod) {
    return Events.socketAlert(id, at(seconds), pod, "spire-agent", FETCH);
  }

  private Envelope<FalcoAlert> access(String id, String program, Map<String, ?> more) {
    Map<String, Object> fields =
        new java.util.HashMap<>(
            Map.of("k8s.pod.name", "auth-proxy-0", "proc.name", program, "fd.name", Events.SOCKET));
    fields.putAll(more);
    return Events.alert(id, at(0), "auth-proxy-0", fields);
  }

  private Envelope<SvidLifecycle> rotated(String id, long seconds, String instance, int age) {
    return Events.lifecycle(
        id, at(seconds), "frontend", instance, SvidLifecycle.Change.ROTATED, age, 1);
  }

  private Envelope<TlsHandshake> refused(String id, String detail, String ip) {
    return Events.handshake(
        id,
        at(0),
        TlsHandshake.Role.SERVER,
        TlsHandshake.Result.CERTIFICATE_VERIFICATION_FAILED,
        detail,
        "payment",
        null,
        ip);
  }

  private Envelope<TlsHandshake> used(String id, String identity, String ip) {
    return used(id, at(0), identity, ip);
  }

  private static Envelope<TlsHandshake> used(String id, Instant time, String identity, String ip) {
    return Events.handshake(id, time, "payment", Events.id(identity), ip);
  }
}
