package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.WriteLog.Write;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The five modes, and what each may write. */
class ModesTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  @TempDir Path folder;

  @Test
  void observeWritesARecordAndNothingElse() throws Exception {
    try (Stand stand = frontend()) {
      stand.start(stand.config("mode: observe"));

      Containment ended = detected(stand, ContainmentState.OBSERVED);

      assertThat(stand.client.history(ended.containment().id())).hasSize(1);
      assertThat(ended.steps()).allSatisfy(step -> assertThat(step.diff()).isNull());
      assertThat(written(stand)).isEmpty();
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
    }
  }

  @Test
  void planWritesThePlanAndItsDiffAndNothingElse() throws Exception {
    try (Stand stand = frontend()) {
      stand.start(stand.config("mode: plan"));

      Containment ended = detected(stand, ContainmentState.PLANNED);

      assertThat(known(ended.steps().get(0).diff())).contains("spiffe://example.org/ns/shop");
      assertThat(ended.steps().get(1).diff()).isEqualTo("Deployment shop/frontend: replicas 2 → 0");
      assertThat(written(stand)).isEmpty();
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
      Histories.assertWhole(stand.client.history(ended.containment().id()));
    }
  }

  @Test
  void theDefaultIsToPlan() throws Exception {
    try (Stand stand = frontend()) {
      stand.start(stand.config(""));

      detected(stand, ContainmentState.PLANNED);

      assertThat(written(stand)).isEmpty();
    }
  }

  @Test
  void dryrunAsksTheServerAndChangesNothing() throws Exception {
    try (Stand stand = frontend()) {
      stand.start(stand.config("mode: dryrun"));

      Containment ended = detected(stand, ContainmentState.DRY_RUN);

      assertThat(ended.steps().get(1).diff())
          .isEqualTo("Deployment shop/frontend: replicas 2 → 0 (the server would scale to 0)");
      assertThat(ended.steps().get(1).error()).isNull();
      assertThat(written(stand))
          .singleElement()
          .satisfies(
              write -> {
                assertThat(write.call().path()).endsWith("/deployments/frontend/scale");
                assertThat(write.call().isDryRun()).isTrue();
              });
      assertThat(stand.shop.replicas("frontend")).isEqualTo(2);
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
    }
  }

  @Test
  void dryrunOfAnIsolationAsksForBothWrites() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("illegal-socket-access.yaml")));
      stand.shop.deploy("auth-proxy", 1);
      Target target = stand.shop.target("auth-proxy");
      stand.start(stand.config("mode: dryrun"));

      stand.detect(Detections.of("illegal_socket_access", target));

      Containment ended = stand.awaitState(ContainmentState.DRY_RUN);
      assertThat(ended.steps().getFirst().error()).isNull();
      assertThat(written(stand))
          .hasSize(2)
          .allSatisfy(write -> assertThat(write.call().isDryRun()).isTrue());
      assertThat(stand.shop.policies()).isEmpty();
    }
  }

  @Test
  void approveLaysThePlanOpenAndActsOnlyOnceItIsApproved() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = frontend()) {
      FakePeer peer = stand.peer("payment");
      stand.start(stand.config("mode: approve\napprovers: {alice: '" + approver + "'}"));

      Containment waiting = detected(stand, ContainmentState.AWAITING_APPROVAL);

      assertThat(waiting.steps().get(1).diff())
          .isEqualTo("Deployment shop/frontend: replicas 2 → 0");
      assertThat(waiting.containment().approveBy()).isNotNull();
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
      String id = waiting.containment().id();

      stand.client.approve(id, "go", ApprovalSigner.of(key.privateJwk()));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      assertThat(contained.containment().id()).isEqualTo(id);
      assertThat(contained.approvals()).hasSize(1);
      assertThat(stand.shop.replicas("frontend")).isZero();
      assertThat(peer.holds).hasSize(1);
      assertThat(stand.client.history(id))
          .anySatisfy(
              response -> {
                assertThat(response.response().to()).isEqualTo(ContainmentState.EXECUTING);
                assertThat(response.response().actor()).isEqualTo("alice");
              });
    }
  }

  @Test
  void approveExpiresIfNobodyAnswers() throws Exception {
    try (Stand stand = frontend()) {
      stand.start(stand.config("mode: approve\napproval-timeout: 200ms"));

      Containment expired = detected(stand, ContainmentState.EXPIRED);

      assertThat(expired.containment().reason()).isEqualTo("no approval came in time");
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void approveEndsWithAVeto() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = frontend()) {
      stand.start(stand.config("mode: approve\napprovers: {alice: '" + approver + "'}"));
      Containment waiting = detected(stand, ContainmentState.AWAITING_APPROVAL);

      stand.client.veto(
          waiting.containment().id(), "a load test", ApprovalSigner.of(key.privateJwk()));

      Containment rejected = stand.awaitState(ContainmentState.REJECTED);
      assertThat(rejected.containment().reason()).isEqualTo("a load test");
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
      assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
    }
  }

  @Test
  void enforceActsAndTellsTheObjectsConcerned() throws Exception {
    try (Stand stand = frontend()) {
      stand.peer("payment");
      stand.start(stand.enforcing(""));

      Containment contained = detected(stand, ContainmentState.CONTAINED);

      assertThat(Writes.actions(stand.kubernetes))
          .containsExactly("PATCH /apis/apps/v1/namespaces/shop/deployments/frontend/scale");
      assertThat(stand.holds()).hasSize(1);
      Stand.eventually(
          "the events are told",
          () -> stand.shop.eventReasons().containsAll(List.of("ContainmentStarted", "Contained")));
      assertThat(contained.containment().actedAt()).isNotNull();
    }
  }

  @Test
  void aPlaybookMayBeMoreCarefulThanTheConfiguration() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(
          Files.readString(SHIPPED.resolve("svid-request-burst.yaml"))
              .replace("  steps:", "  mode: plan\n  steps:"));
      stand.shop.deploy("frontend", 2);
      stand.start(stand.enforcing(""));

      detected(stand, ContainmentState.PLANNED);

      assertThat(written(stand)).isEmpty();
    }
  }

  private Stand frontend() throws Exception {
    Stand stand = new Stand(folder);
    stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
    stand.shop.deploy("frontend", 2);
    return stand;
  }

  private static Containment detected(Stand stand, ContainmentState state) {
    stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));
    return stand.awaitState(state);
  }

  /** Whatever the responder asked the API to write, dry runs and Events too. */
  private static List<Write> written(Stand stand) {
    return stand
        .kubernetes
        .writes()
        .matching(write -> write.fieldManager().equals(KubernetesApi.FIELD_MANAGER));
  }
}
