package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The three shipped playbooks from detection to recovery, over Kafka and a Kubernetes API. */
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
}
