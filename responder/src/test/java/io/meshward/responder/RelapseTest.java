package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.RecoveryMode;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A recovery into an attack that goes on. */
class RelapseTest {
  @TempDir Path folder;

  @Test
  void whatIsSeenAgainSoonAfterARecoveryIsContainedUntilAPersonReleasesIt() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = stand("for: 300ms")) {
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));
      Containment first = recovered(stand);

      Target replacement = stand.shop.target("auth-proxy");
      stand.detect(Detections.of("illegal_socket_access", replacement));

      Containment second =
          stand.await(
              each ->
                  each.containment().state() == ContainmentState.CONTAINED
                      && known(replacement.podUid()).equals(each.target().podUid()),
              "the replacement is contained");
      String id = second.containment().id();
      assertThat(second.recovery().plan().mode()).isEqualTo(RecoveryMode.MANUAL);
      assertThat(stand.client.history(id).getFirst().response().reason())
          .isEqualTo(
              "a relapse after " + first.containment().id() + ": it does not recover by itself");
      stand.shop.awaitReady(Shop.NAMESPACE, "auth-proxy", 1);

      stand.client.release(id, "the image is fixed", ApprovalSigner.of(key.privateJwk()));

      stand.await(
          each ->
              each.containment().id().equals(id)
                  && each.containment().state() == ContainmentState.RECOVERED,
          "the relapse is released");
      assertThat(stand.client.history(id))
          .anySatisfy(response -> assertThat(response.response().actor()).isEqualTo("alice"));
    }
  }

  @Test
  void whatIsSeenAgainLongAfterwardsRecoversByItselfAgain() throws Exception {
    try (Stand stand = stand("for: 300ms\n    relapse-within: 0s")) {
      stand.start(stand.enforcing(""));
      Containment first = recovered(stand);

      stand.detect(Detections.of("illegal_socket_access", stand.shop.target("auth-proxy")));

      Containment second =
          stand.await(
              each ->
                  each.containment().state() == ContainmentState.RECOVERED
                      && !each.containment().id().equals(first.containment().id()),
              "the second one recovered, too");
      assertThat(second.recovery().releasedBy()).isEqualTo(Draft.RESPONDER);
    }
  }

  @Test
  void whatIsToldLateOfAPodThatIsGoneWasAnsweredByWhatWasDoneToIt() throws Exception {
    try (Stand stand = stand("for: 300ms")) {
      Instant before = Instant.now();
      Target attacked = stand.shop.target("auth-proxy");
      try (Responder _ = stand.start(stand.enforcing(""))) {
        recovered(stand);
      }
      // One that never saw the pod.
      stand.start(stand.enforcing(""));

      stand.detect(Detections.of("illegal_socket_access", attacked, before, null));

      Containment answered =
          stand.await(each -> each.detections().size() == 2, "the detection is taken in");
      assertThat(answered.containment().state()).isEqualTo(ContainmentState.RECOVERED);
      assertThat(stand.client.list()).hasSize(1);
    }
  }

  private Stand stand(String recovery) throws Exception {
    Stand stand = new Stand(folder);
    stand.playbook(
        Files.readString(Path.of("..", "playbooks", "illegal-socket-access.yaml"))
            .replace("for: 10m", recovery));
    stand.shop.deploy("auth-proxy", 1);
    return stand;
  }

  private static Containment recovered(Stand stand) {
    stand.detect(Detections.of("illegal_socket_access", stand.shop.target("auth-proxy")));
    Containment recovered = stand.awaitState(ContainmentState.RECOVERED);
    stand.shop.awaitReady(Shop.NAMESPACE, "auth-proxy", 1);
    return recovered;
  }
}
