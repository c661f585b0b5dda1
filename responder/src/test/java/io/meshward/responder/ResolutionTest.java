package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom a detection is about, and what happens when that cannot be said. */
class ResolutionTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  private static final String SHARED =
      "2 workloads share the identity "
          + Shop.identity("orders")
          + ": 2 pods of Deployment shop/orders, Deployment shop/orders-batch";

  @TempDir Path folder;

  @Test
  void aPodThatDoesNotExistIsVisibleAndNothingIsDone() throws Exception {
    try (Stand stand = stand("illegal-socket-access.yaml")) {
      stand.start(stand.enforcing(""));

      stand.detect(
          Detections.of(
              "illegal_socket_access",
              new Target(Stand.CLUSTER, "shop", "nobody", null, null, null, null, null)));

      assertUnresolved(stand, "there is no pod shop/nobody");
    }
  }

  @Test
  void aDetectionThatNamesNobodyIsVisibleAndNothingIsDone() throws Exception {
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.start(stand.enforcing(""));

      stand.detect(
          Detections.of(
              "svid_request_burst",
              new Target(Stand.CLUSTER, null, null, null, "node-1", null, null, null)));

      assertUnresolved(stand, "the detection names neither a pod, nor a workload, nor an identity");
    }
  }

  @Test
  void anIdentityWithoutWorkloadCannotHaveItsPodIsolated() throws Exception {
    try (Stand stand = stand("illegal-socket-access.yaml")) {
      stand.start(stand.enforcing(""));

      stand.detect(Detections.of("illegal_socket_access", identity(Shop.identity("nobody"))));

      assertUnresolved(stand, "no workload has the identity " + Shop.identity("nobody"));
    }
  }

  @Test
  void ofSeveralWorkloadsWithOneIdentityNoneIsTouched() throws Exception {
    try (Stand stand = stand("illegal-socket-access.yaml")) {
      stand.shop.deploy("orders", 1);
      stand.shop.deployAs("orders-batch", "orders");
      stand.start(stand.enforcing(""));

      stand.detect(Detections.of("illegal_socket_access", identity(Shop.identity("orders"))));

      assertUnresolved(stand, SHARED);
    }
  }

  @Test
  void aPlanAboutOneOfSeveralWorkloadsIsNotDoneInPartEither() throws Exception {
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.shop.deploy("orders", 1);
      stand.shop.deployAs("orders-batch", "orders");
      stand.start(stand.enforcing(""));

      stand.detect(Detections.of("svid_request_burst", identity(Shop.identity("orders"))));

      assertUnresolved(stand, SHARED);
      assertThat(stand.client.list().getFirst().steps())
          .allSatisfy(step -> assertThat(step.state()).isEqualTo(StepState.PENDING));
    }
  }

  @Test
  void aPlanAboutTheIdentityAloneConcernsAllThatShareItAndSaysSo() throws Exception {
    try (Stand stand = stand("stolen-svid.yaml")) {
      stand.peer("payment");
      stand.shop.deploy("orders", 2);
      stand.shop.deployAs("orders-batch", "orders");
      stand.start(stand.enforcing(""));

      stand.detect(Detections.of("stolen_svid", identity(Shop.identity("orders"))));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      assertThat(contained.steps().getFirst().diff())
          .isEqualTo(
              "hold on "
                  + Shop.identity("orders")
                  + ": 3 pods of Deployment shop/orders, Deployment shop/orders-batch");
      assertThat(stand.holds()).hasSize(1);
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    }
  }

  @Test
  void aPlanTellsWhomTheQuarantineOfASharedIdentityConcerns() throws Exception {
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.shop.deploy("orders", 1);
      stand.shop.deployAs("orders-batch", "orders");
      stand.start(stand.config("mode: plan"));

      stand.detect(Detections.of("svid_request_burst", stand.shop.target("orders")));

      assertThat(stand.awaitState(ContainmentState.PLANNED).steps().getFirst().diff())
          .endsWith(": 2 pods of Deployment shop/orders, Deployment shop/orders-batch");
      assertThat(stand.holds()).isEmpty();
    }
  }

  @Test
  void aPodLeadsToItsDeploymentAndItsIdentity() throws Exception {
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.shop.deploy("frontend", 1);
      Target known = stand.shop.target("frontend");
      stand.start(stand.config("mode: observe"));

      stand.detect(
          Detections.of(
              "svid_request_burst",
              new Target(Stand.CLUSTER, "shop", known.pod(), null, null, null, null, null)));

      Containment observed = stand.awaitState(ContainmentState.OBSERVED);
      assertThat(observed.target().owner()).isEqualTo(known.owner());
      assertThat(observed.target().podUid()).isEqualTo(known.podUid());
      assertThat(observed.target().spiffeId()).isEqualTo(Shop.identity("frontend"));
    }
  }

  @Test
  void anAnnotationOverridesTheTemplateOfTheIdentity() throws Exception {
    SpiffeId other = SpiffeId.parse("spiffe://example.org/payments/gateway");
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.shop.deploy("frontend", 1);
      stand.shop.annotatePods("frontend", Annotations.SPIFFE_ID, other.toString());
      Target known = stand.shop.target("frontend");
      stand.start(stand.config("mode: observe"));

      stand.detect(
          Detections.of(
              "svid_request_burst",
              new Target(Stand.CLUSTER, "shop", known.pod(), null, null, null, null, null)));

      assertThat(stand.awaitState(ContainmentState.OBSERVED).target().spiffeId()).isEqualTo(other);
    }
  }

  @Test
  void anotherClustersDetectionIsNotOurs() throws Exception {
    try (Stand stand = stand("svid-request-burst.yaml")) {
      stand.shop.deploy("frontend", 1);
      Target known = stand.shop.target("frontend");
      stand.start(stand.config("mode: observe"));

      stand.detect(
          Detections.of(
              "svid_request_burst",
              new Target("elsewhere", "shop", known.pod(), null, null, null, null, null)));
      stand.detect(Detections.of("svid_request_burst", known));

      stand.awaitState(ContainmentState.OBSERVED);
      assertThat(stand.client.list()).hasSize(1);
    }
  }

  private Stand stand(String playbook) throws Exception {
    Stand stand = new Stand(folder);
    stand.playbook(Files.readString(SHIPPED.resolve(playbook)));
    return stand;
  }

  private static Target identity(SpiffeId identity) {
    return new Target(null, null, null, null, null, null, null, identity);
  }

  private static void assertUnresolved(Stand stand, String reason) {
    Containment unresolved = stand.awaitState(ContainmentState.UNRESOLVED);
    assertThat(unresolved.containment().reason()).isEqualTo(reason);
    assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();
  }
}
