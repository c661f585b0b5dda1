package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shipped playbooks from detection to recovery, over Kafka and a Kubernetes API. */
class StoriesTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  @TempDir Path folder;

  @Test
  void frontendIsQuarantinedScaledToZeroAndReleasedByASignedWord() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 3);
      FakePeer orders = stand.peer("orders");
      FakePeer payment = stand.peer("payment");
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));

      stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      String id = contained.containment().id();
      assertThat(stand.shop.replicas("frontend")).isZero();
      assertThat(stand.shop.pods("frontend")).isEmpty();
      String hold = new QuarantineKey(Subject.of(Shop.identity("frontend")), id).toString();
      assertThat(stand.keys(TopicCatalogue.QUARANTINE)).containsExactly(hold);
      // The word of the first is enough for the responder; the other one hears of it, too.
      Stand.eventually(
          "both apply the hold", () -> !orders.holds.isEmpty() && !payment.holds.isEmpty());
      assertThat(orders.holds).containsExactly(hold);
      assertThat(payment.holds).containsExactly(hold);
      assertThat(known(contained.steps().get(0).verification()))
          .satisfies(
              seen -> {
                assertThat(seen.level()).isEqualTo(Level.EFFECT);
                assertThat(seen.passed()).isTrue();
              });
      assertThat(known(contained.steps().get(1).verification()).level()).isEqualTo(Level.EFFECT);
      assertThat(known(contained.steps().get(1).prior()).path("restore").asInt()).isEqualTo(3);

      stand.client.release(id, "looked at", ApprovalSigner.of(key.privateJwk()));

      Containment recovered = stand.awaitState(ContainmentState.RECOVERED);
      assertThat(recovered.recovery().releasedBy()).isEqualTo("alice");
      assertThat(stand.shop.replicas("frontend")).isEqualTo(3);
      assertThat(stand.keys(TopicCatalogue.QUARANTINE)).isEmpty();
      stand.shop.awaitReady(Shop.NAMESPACE, "frontend", 3);
      Histories.assertWhole(stand.client.history(id));
      assertThat(Histories.stepOrder(stand.client.history(id)))
          .containsSubsequence(
              "0 intended",
              "0 done",
              "1 intended",
              "1 done",
              "0 undoing",
              "0 undone",
              "1 undoing",
              "1 undone");
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(2);
    }
  }

  @Test
  void aReleaseDoesNotWaitForPeersThatWereScaledAway() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 1);
      Target target = stand.shop.target("frontend");
      stand.peer("payment");
      FakePeer frontend = stand.peer("frontend", target.pod());
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));
      stand.detect(Detections.of("svid_request_burst", target));
      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      String id = contained.containment().id();
      stand.await(each -> peers(each) == 2, "both have reported the hold");
      frontend.close();

      stand.client.release(id, "looked at", ApprovalSigner.of(key.privateJwk()));

      stand.awaitState(ContainmentState.RECOVERED);
      assertThat(stand.client.history(id))
          .extracting(each -> each.step() == null ? null : each.step().detail())
          .contains("the hold is released; 1 of 1 peers serve again");
    }
  }

  @Test
  void authProxysPodIsIsolatedReplacedAndRecoversByItself() throws Exception {
    TestClock clock = new TestClock();
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("illegal-socket-access.yaml")));
      stand.shop.deploy("auth-proxy", 2);
      stand.shop.service("auth-proxy");
      Target target = stand.shop.target("auth-proxy");
      String name = known(target.pod());
      stand.start(stand.enforcing(""), clock);

      stand.detect(Detections.of("illegal_socket_access", target));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      String id = contained.containment().id();
      Containment.Verification seen = known(contained.steps().getFirst().verification());
      assertThat(seen.level()).isEqualTo(Level.CONFIGURATION);
      assertThat(known(seen.facts()).path("services").isEmpty()).isTrue();
      Pod isolated = stand.shop.pod(name);
      assertThat(isolated.getMetadata().getUid()).isEqualTo(target.podUid());
      assertThat(isolated.getMetadata().getLabels()).containsOnlyKeys(Annotations.CONTAINMENT);
      assertThat(isolated.getMetadata().getAnnotations())
          .containsKeys(Annotations.ORIGINAL_LABELS, Annotations.ORIGINAL_OWNERS);
      stand.await(each -> each.recovery().healthySince() != null, "the replacement serves");
      clock.advance(Duration.ofMinutes(10));

      Containment recovered = stand.awaitState(ContainmentState.RECOVERED);

      assertThat(recovered.recovery().releasedBy()).isEqualTo(Draft.RESPONDER);
      stand.shop.awaitReady(Shop.NAMESPACE, "auth-proxy", 2);
      assertThat(stand.shop.findPod(name)).isNull();
      assertThat(stand.shop.policies()).isEmpty();
      Histories.assertWhole(stand.client.history(id));
      List<String> actions = Writes.actions(stand.kubernetes);
      // Both at once: neither waits for the other.
      assertThat(actions.subList(0, 2))
          .containsExactlyInAnyOrder(
              "PATCH /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/meshward-" + id,
              "PATCH /api/v1/namespaces/shop/pods/" + name);
      assertThat(actions.subList(2, actions.size()))
          .containsExactly(
              "DELETE /api/v1/namespaces/shop/pods/" + name,
              "DELETE /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/meshward-" + id);
    }
  }

  @Test
  void aStolenSvidIsRefusedUntilNoneIssuedBeforeTheTheftCanBeValid() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("stolen-svid.yaml")));
      stand.shop.deploy("orders", 2);
      FakePeer payment = stand.peer("payment");
      stand.start(stand.enforcing(""));
      Instant now = Instant.now();
      Instant seen = now.truncatedTo(ChronoUnit.SECONDS).plusMillis(1);
      Instant issued = now.truncatedTo(ChronoUnit.SECONDS).minusSeconds(60);

      stand.detect(
          Detections.of(
              "stolen_svid",
              new Target(null, null, null, null, null, null, null, Shop.identity("orders")),
              seen,
              new Detection.SvidRef("1", "CN=ca", "0".repeat(64), issued, issued.plusSeconds(63))));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      assertThat(known(contained.target().owner()).name()).isEqualTo("orders");
      assertThat(payment.holds).hasSize(1);
      Quarantine hold = stand.holds().getFirst();
      assertThat(hold.subject()).isEqualTo(Subject.of(Shop.identity("orders")));
      Instant cut = now.truncatedTo(ChronoUnit.SECONDS).plusSeconds(1);
      assertThat(hold.hold().issuedBefore()).isEqualTo(cut);
      assertThat(hold.hold().expiresAt()).isEqualTo(cut.plusSeconds(63));
      assertThat(stand.shop.replicas("orders")).isEqualTo(2);
    }
  }

  @Test
  void aStolenSvidsContainmentEndsWithItsHold() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("stolen-svid.yaml")));
      stand.shop.deploy("orders", 1);
      stand.peer("payment");
      stand.start(stand.enforcing(""));
      Instant issued = Instant.now().truncatedTo(ChronoUnit.SECONDS).minusSeconds(60);

      stand.detect(
          Detections.of(
              "stolen_svid",
              stand.shop.target("orders"),
              Instant.now(),
              new Detection.SvidRef("1", "CN=ca", "0".repeat(64), issued, issued.plusSeconds(2))));

      Containment recovered = stand.awaitState(ContainmentState.RECOVERED);
      assertThat(recovered.recovery().reason()).contains("every hold has ended");
      assertThat(stand.keys(TopicCatalogue.QUARANTINE)).isEmpty();
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void aClaimedIdentityIsQuarantinedOnAPersonsWordAndNoSooner() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("claimed-identity.yaml")));
      stand.shop.deploy("frontend", 2);
      stand.peer("payment");
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));

      stand.detect(Detections.of("jwt_replay", stand.shop.target("frontend")));

      String id = stand.awaitState(ContainmentState.AWAITING_APPROVAL).containment().id();
      assertThat(stand.holds()).isEmpty();
      stand.client.approve(id, "not a test of ours", ApprovalSigner.of(key.privateJwk()));

      stand.awaitState(ContainmentState.CONTAINED);
      assertThat(stand.holds().getFirst().subject())
          .isEqualTo(Subject.of(Shop.identity("frontend")));
      assertThat(stand.shop.replicas("frontend")).isEqualTo(2);
      stand.client.release(id, "looked at", ApprovalSigner.of(key.privateJwk()));
      stand.awaitState(ContainmentState.RECOVERED);
      assertThat(stand.keys(TopicCatalogue.QUARANTINE)).isEmpty();
    }
  }

  @Test
  void whatHappenedBeforeTheReleaseBeginsNothingAnewHoweverLateItIsDetected() throws Exception {
    TestClock clock = new TestClock();
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 1);
      FakePeer mute = stand.peer("orders");
      stand.start(stand.enforcing("allow-unsigned-approvals: true"), clock);
      Target target = stand.shop.target("frontend");
      Instant before = Instant.now();
      stand.detect(Detections.of("svid_request_burst", target, before, null));
      String id = stand.awaitState(ContainmentState.CONTAINED).containment().id();
      // A peer that says nothing of the release is waited for: that takes its time.
      mute.close();
      clock.stop();
      stand.client.releaseUnsigned(id, "looked at", "alice");
      stand.awaitState(ContainmentState.RECOVERING);

      stand.detect(Detections.of("svid_request_burst", target, before, null));
      stand.await(each -> each.detections().size() == 2, "the late detection joins");
      clock.goOn();
      stand.awaitState(ContainmentState.RECOVERED);

      assertThat(stand.client.list()).hasSize(1);
      Histories.assertWhole(stand.client.history(id));

      stand.detect(Detections.of("svid_request_burst", target, Instant.now(), null));
      stand.await(each -> !each.containment().id().equals(id), "a new containment begins");
    }
  }

  /** How many peers refuse whom a containment is about, as far as is recorded. */
  private static int peers(Containment containment) {
    Containment.Verification seen = containment.steps().getFirst().verification();
    return seen == null || seen.facts() == null ? 0 : seen.facts().path("peers").asInt();
  }
}
