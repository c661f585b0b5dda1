package io.meshward.responder;

import static io.meshward.embedded.FaultInjection.on;
import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Control;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds the responder back although its mode is to enforce. */
class SafeguardsTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  @TempDir Path folder;

  @Test
  void threeContainmentsInTenMinutesAndThenItAsks() throws Exception {
    try (Stand stand = burst()) {
      stand.peer("payment");
      ResponderConfig config = stand.enforcing("");
      assertThat(config.budget()).isEqualTo(new ResponderConfig.Budget(3, Duration.ofMinutes(10)));
      Responder first = stand.start(config);
      List<Target> targets = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        stand.shop.deploy("frontend-" + i, 1);
        targets.add(stand.shop.target("frontend-" + i));
      }
      for (Target target : targets.subList(0, 3)) {
        detect(stand, target);
        awaitState(stand, target, ContainmentState.CONTAINED);
      }

      detect(stand, targets.get(3));

      Containment fourth = awaitState(stand, targets.get(3), ContainmentState.AWAITING_APPROVAL);
      assertThat(fourth.containment().mode()).isEqualTo(ResponseMode.APPROVE);
      assertThat(fourth.containment().reason())
          .isEqualTo("the budget of the cluster is used up: 3 containments in 600 s");
      assertThat(stand.shop.replicas("frontend-3")).isEqualTo(1);

      first.close();
      stand.start(config);
      detect(stand, targets.get(4));

      awaitState(stand, targets.get(4), ContainmentState.AWAITING_APPROVAL);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(3);
      assertThat(stand.holds()).hasSize(3);
    }
  }

  @Test
  void aBurstOfDetectionsDoesNotOvertakeTheBudget() throws Exception {
    try (Stand stand = burst()) {
      stand.peer("payment");
      stand.start(stand.enforcing(""));
      List<Target> targets = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        stand.shop.deploy("frontend-" + i, 1);
        targets.add(stand.shop.target("frontend-" + i));
      }

      targets.forEach(target -> detect(stand, target));

      Stand.eventually(
          "three are contained and five wait",
          () ->
              count(stand, ContainmentState.CONTAINED) == 3
                  && count(stand, ContainmentState.AWAITING_APPROVAL) == 5,
          () -> stand.client.list().toString());
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(3);
    }
  }

  @Test
  void aPlaybooksOwnBudgetCountsToo() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(
          Files.readString(SHIPPED.resolve("svid-request-burst.yaml"))
              .replace("  steps:", "  budget: {containments: 0, window: 1m}\n  steps:"));
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing(""));

      detect(stand, stand.shop.target("frontend"));

      assertThat(stand.awaitState(ContainmentState.AWAITING_APPROVAL).containment().reason())
          .isEqualTo("the budget of the playbook is used up: 0 containments in 60 s");
    }
  }

  /**
   * Whoever may write events could have anybody contained, else, or keep somebody from being so.
   */
  @Test
  void whatNobodySignedWaitsForAPersonAndHoldsUpNothingThatWasSigned() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("stolen-svid.yaml")));
      stand.shop.deploy("orders", 1);
      stand.peer("payment");
      stand.start(stand.enforcing(""));
      Target orders = stand.shop.target("orders");
      Instant now = Instant.now();

      stand.detect(stolen(orders, now.minusSeconds(3600), EvidenceRef.Signature.NONE));
      stand.awaitState(ContainmentState.PLANNED);
      stand.detect(stolen(orders, now, EvidenceRef.Signature.VALID));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      Quarantine hold = stand.holds().getFirst();
      Detection later = stolen(orders, now.plusSeconds(5), EvidenceRef.Signature.UNVERIFIED);
      stand.detect(later);
      Containment joined =
          stand.await(
              each -> each.detections().contains(later.detection().id()), "it joins the other");
      assertThat(joined.containment().id()).isEqualTo(contained.containment().id());
      assertThat(stand.holds()).containsExactly(hold);
    }
  }

  @Test
  void whatWasSignedOvertakesWhatWaitsForAPerson() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("stolen-svid.yaml")));
      stand.shop.deploy("orders", 1);
      stand.peer("payment");
      stand.start(stand.enforcing(""));
      Target orders = stand.shop.target("orders");

      stand.detect(stolen(orders, Instant.now(), EvidenceRef.Signature.NONE));
      Containment waiting = stand.awaitState(ContainmentState.AWAITING_APPROVAL);
      assertThat(waiting.containment().reason())
          .startsWith("the playbook asks where ")
          .contains("detection.signature");
      assertThat(stand.holds()).isEmpty();
      stand.detect(stolen(orders, Instant.now(), EvidenceRef.Signature.UNVERIFIED));
      stand.await(each -> each.containment().joined() == 2, "the second joins the first");
      assertThat(stand.holds()).isEmpty();
      stand.detect(stolen(orders, Instant.now(), EvidenceRef.Signature.VALID));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      assertThat(stand.holds()).hasSize(1);
      Containment overtaken = stand.awaitState(ContainmentState.SUPPRESSED);
      assertThat(overtaken.containment().id()).isEqualTo(waiting.containment().id());
      assertThat(overtaken.containment().reason())
          .isEqualTo(contained.containment().id() + " acts, about which nobody has to be asked");
      Histories.assertWhole(stand.client.history(overtaken.containment().id()));
    }
  }

  private static Detection stolen(Target target, Instant time, EvidenceRef.Signature signature) {
    Instant issued = time.minusSeconds(60);
    return Detections.of(
        "stolen_svid",
        target,
        time,
        new Detection.SvidRef("1", "CN=ca", "0".repeat(64), issued, issued.plusSeconds(3600)),
        signature);
  }

  @Test
  void asksInNamespacesThatAreNotListed() throws Exception {
    try (Stand stand = burst()) {
      stand.kubernetes.createNamespace("bank", Map.of());
      stand.shop.deploy("bank", "vault", 1, Map.of());
      stand.start(stand.enforcing(""));
      Target target = stand.shop.target(stand.shop.pods("bank", "vault").getFirst(), "vault");

      detect(stand, target);

      assertThat(stand.awaitState(ContainmentState.AWAITING_APPROVAL).containment().reason())
          .isEqualTo("namespace bank is not listed under enforce.namespaces");
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void neverTouchesAProtectedNamespace() throws Exception {
    try (Stand stand = burst()) {
      stand.shop.deploy("kube-system", "dns", 1, Map.of());
      stand.start(stand.config("mode: enforce\nenforce: {namespaces: [shop, kube-system]}"));

      detect(stand, stand.shop.target(stand.shop.pods("kube-system", "dns").getFirst(), "dns"));

      assertSuppressed(stand, "namespace kube-system is protected");
    }
  }

  @Test
  void neverTouchesAWorkloadThatSaysSo() throws Exception {
    try (Stand stand = burst()) {
      stand.shop.deploy(Shop.NAMESPACE, "frontend", 1, Map.of(Annotations.PROTECT, "true"));
      stand.start(stand.enforcing(""));

      detect(stand, stand.shop.target("frontend"));

      assertSuppressed(stand, "the target has the label " + Annotations.PROTECT);
    }
  }

  @Test
  void neverQuarantinesAProtectedIdentity() throws Exception {
    try (Stand stand = burst()) {
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing("protect: {identities: ['spiffe://example.org/ns/shop/*']}"));

      detect(stand, stand.shop.target("frontend"));

      assertSuppressed(stand, Shop.identity("frontend") + " is protected");
    }
  }

  @Test
  void neverQuarantinesSpireItself() throws Exception {
    try (Stand stand = burst()) {
      stand.start(stand.enforcing(""));

      detect(
          stand,
          identity(io.meshward.schemas.SpiffeId.parse("spiffe://example.org/spire/agent/x/y")));

      assertSuppressed(stand, "spiffe://example.org/spire/agent/x/y is SPIRE's own");
    }
  }

  @Test
  void theQuarantineOfATrustDomainAlwaysNeedsApproval() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(
          """
          - playbook: domain
            desc: Cut a whole trust domain off.
            match: detection.tags intersects (domain)
            steps:
              - action: identity.quarantine
                params: {scope: trust-domain}
            recover: {mode: manual}
          """);
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing("budget: {containments: 100, window: 1m}"));

      stand.detect(Detections.of("domain", stand.shop.target("frontend")));

      assertThat(stand.awaitState(ContainmentState.AWAITING_APPROVAL).containment().reason())
          .isEqualTo("the quarantine of a trust domain always needs approval");
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
    }
  }

  @Test
  void theKillSwitchLetsItOnlyObserve() throws Exception {
    try (Stand stand = burst()) {
      stand.shop.deploy("frontend", 1);
      control(stand, ResponseMode.OBSERVE);
      stand.start(stand.enforcing(""));

      detect(stand, stand.shop.target("frontend"));

      stand.awaitState(ContainmentState.OBSERVED);
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void theKillSwitchStopsWhatIsUnderWayAndLetsItGoOnLater() throws Exception {
    try (Stand stand = burst()) {
      stand.peer("payment");
      stand.shop.deploy("frontend", 1);
      KillSwitch passes = new KillSwitch();
      Responder responder = stand.start(stand.enforcing(""), passes);
      stand.kubernetes.faults().throttle(1_000_000, Duration.ZERO, on("PATCH", "/scale"));
      detect(stand, stand.shop.target("frontend"));
      stand.await(
          each -> each.steps().get(1).state() == io.meshward.schemas.StepState.INTENDED,
          "the scaling is under way");

      control(stand, ResponseMode.PLAN);
      Stand.eventually("it knows", () -> limited(responder));
      Stand.eventually("no try from before is under way", () -> idle(passes.passed()));
      stand.kubernetes.faults().clear();
      assertThat(quiet(stand, Duration.ofMillis(500))).isTrue();
      assertThat(stand.shop.replicas("frontend")).isEqualTo(1);

      control(stand, ResponseMode.ENFORCE);

      stand.awaitState(ContainmentState.CONTAINED);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(1);
    }
  }

  @Test
  void onlyPlansForAnOldDetection() throws Exception {
    try (Stand stand = burst()) {
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing(""));

      stand.detect(
          Detections.of(
              "svid_request_burst",
              stand.shop.target("frontend"),
              Instant.now().minus(Duration.ofMinutes(11)),
              null));

      Containment planned = stand.awaitState(ContainmentState.PLANNED);
      assertThat(planned.containment().reason()).isEqualTo("the detection is older than 600 s");
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void aFurtherDetectionJoinsTheContainmentThatIs() throws Exception {
    try (Stand stand = burst()) {
      stand.peer("payment");
      stand.shop.deploy("frontend", 2);
      Target target = stand.shop.target("frontend");
      stand.start(stand.enforcing(""));
      Detection first = Detections.of("svid_request_burst", target);
      Detection second = Detections.of("svid_request_burst", target);
      stand.detect(first);
      stand.awaitState(ContainmentState.CONTAINED);

      stand.detect(second);
      stand.detect(second);
      stand.detect(first);

      stand.await(each -> each.containment().joined() == 2, "the second one joined");
      Detection third = Detections.of("svid_request_burst", target);
      stand.detect(third);
      Containment joined =
          stand.await(each -> each.containment().joined() == 3, "the third one joined");
      assertThat(joined.detections())
          .containsExactly(first.detection().id(), second.detection().id(), third.detection().id());
      assertThat(joined.containment().state()).isEqualTo(ContainmentState.CONTAINED);
      assertThat(stand.client.list()).hasSize(1);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(1);
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).hasSize(1);
    }
  }

  @Test
  void theFirstOfTwoContainmentsRemembersHowManyReplicasThereWere() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = burst()) {
      stand.playbook(
          """
          - playbook: exfiltration
            desc: Scale to zero what sends data out.
            match: detection.tags intersects (exfiltration)
            steps:
              - action: workload.scale
                params: {replicas: 0}
            recover: {mode: manual}
          """);
      stand.peer("payment");
      stand.shop.deploy("frontend", 3);
      Target target = stand.shop.target("frontend");
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));
      detect(stand, target);
      Containment first = stand.awaitState(ContainmentState.CONTAINED);

      stand.detect(Detections.of("exfiltration", target));

      Containment second =
          stand.await(
              each ->
                  each.playbook().name().equals("exfiltration")
                      && each.containment().state() == ContainmentState.CONTAINED,
              "the second containment stands");
      assertThat(known(second.steps().getFirst().prior()).path("restore").asInt()).isEqualTo(3);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(1);

      ApprovalSigner alice = ApprovalSigner.of(key.privateJwk());
      stand.client.release(first.containment().id(), "done", alice);
      awaitState(stand, first.containment().id(), ContainmentState.RECOVERED);
      assertThat(stand.shop.replicas("frontend")).isZero();
      stand.client.release(second.containment().id(), "done", alice);
      awaitState(stand, second.containment().id(), ContainmentState.RECOVERED);

      assertThat(stand.shop.replicas("frontend")).isEqualTo(3);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(2);
    }
  }

  private Stand burst() throws Exception {
    Stand stand = new Stand(Files.createTempDirectory(folder, "stand"));
    stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
    return stand;
  }

  private static void detect(Stand stand, Target target) {
    stand.detect(Detections.of("svid_request_burst", target));
  }

  private static Target identity(io.meshward.schemas.SpiffeId identity) {
    return new Target(null, null, null, null, null, null, null, identity);
  }

  private static void control(Stand stand, ResponseMode highest) {
    Instant now = Instant.now();
    stand.write(
        TopicCatalogue.CONTROL,
        Stand.CLUSTER,
        new Envelope<>(
            UUID.randomUUID().toString(),
            "//people/test",
            now,
            new Control(new Control.Limit(Stand.CLUSTER, highest, "a test", "test", now))));
  }

  /** Whether a responder has read that it may only plan. */
  private static boolean limited(Responder responder) {
    return Stand.metrics(responder).contains("meshward_responder_highest_mode 1");
  }

  /** Whether every try to scale that was begun has come to its end. */
  private static boolean idle(List<KillSwitch.Passed> passed) {
    return passes(passed, "operating: Act 1") == passes(passed, "operated: Act 1");
  }

  private static long passes(List<KillSwitch.Passed> passed, String place) {
    return passed.stream().filter(each -> each.name().equals(place)).count();
  }

  private static boolean quiet(Stand stand, Duration time) {
    int before = Writes.actions(stand.kubernetes).size();
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      java.util.concurrent.locks.LockSupport.parkNanos(10_000_000);
    }
    return Writes.actions(stand.kubernetes).size() == before;
  }

  private static long count(Stand stand, ContainmentState state) {
    return stand.client.list().stream().filter(each -> each.containment().state() == state).count();
  }

  private static Containment awaitState(Stand stand, Target target, ContainmentState state) {
    return stand.await(
        each ->
            known(target.owner()).equals(each.target().owner())
                && each.containment().state() == state,
        known(target.owner()).name() + " is " + state);
  }

  private static void awaitState(Stand stand, String id, ContainmentState state) {
    stand.await(
        each -> each.containment().id().equals(id) && each.containment().state() == state,
        id + " is " + state);
  }

  private static void assertSuppressed(Stand stand, String reason) {
    Containment suppressed = stand.awaitState(ContainmentState.SUPPRESSED);
    assertThat(suppressed.containment().reason()).isEqualTo(reason);
    assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
  }
}
