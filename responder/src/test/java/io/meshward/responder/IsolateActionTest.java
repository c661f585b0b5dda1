package io.meshward.responder;

import static io.meshward.embedded.FaultInjection.on;
import static io.meshward.responder.Stand.known;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyBuilder;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IsolateActionTest {
  private static final String POLICY = "/networkpolicies/meshward-" + Cluster.CONTAINMENT;

  @TempDir private Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() {
    cluster = new Cluster(folder);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void isolatesOnePodFirstByPolicyThenByLabelAndLetsAReplacementStart() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);

    Outcome outcome = acted(target, prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("isolated"));
    assertThat(Writes.actions(cluster.kubernetes))
        .containsExactly(
            "PATCH /apis/networking.k8s.io/v1/namespaces/shop" + POLICY,
            "PATCH /api/v1/namespaces/shop/pods/" + target.pod());
    Pod pod = cluster.shop.pod(known(target.pod()));
    assertThat(pod.getMetadata().getLabels())
        .isEqualTo(Map.of(Annotations.CONTAINMENT, Cluster.CONTAINMENT));
    assertThat(pod.getMetadata().getAnnotations().get(Annotations.ORIGINAL_LABELS))
        .contains("\"app\":\"auth-proxy\"")
        .contains("pod-template-hash");
    cluster.shop.awaitReady(Shop.NAMESPACE, "auth-proxy", 2);
    Verification seen = cluster.isolate.verify(cluster.step(target), prior);
    assertThat(seen.passed()).isTrue();
  }

  @Test
  void preparesNothingBeforeAllThatOwnsAndSelectsThePodIsSeen() {
    Target target = authProxy();
    ClusterView view = cluster.emptyView();
    IsolateAction early = cluster.isolate(view, new PodSelectors());
    Pod pod = cluster.shop.pod(known(target.pod()));

    assertThat(early.prepare(cluster.step(target))).isInstanceOf(Preparation.Later.class);
    view.podSeen(pod);
    assertThat(early.prepare(cluster.step(target))).isInstanceOf(Preparation.Later.class);
    assertThat(early.foresee(cluster.step(target))).isEmpty();
    ClusterView withoutPod = cluster.emptyView();
    withoutPod.completed();
    assertThat(cluster.isolate(withoutPod, new PodSelectors()).prepare(cluster.step(target)))
        .isInstanceOf(Preparation.Later.class);
  }

  @Test
  void keepsTellingWhoseAnIsolatedPodIs() {
    Target target = authProxy();
    acted(target, prepared(target));

    Stand.eventually(
        "the informers see the label",
        () ->
            cluster
                .view
                .pod(known(target.podUid()))
                .filter(pod -> pod.pod().labels().containsKey(Annotations.CONTAINMENT))
                .isPresent());
    assertThat(cluster.view.pod(known(target.podUid())).orElseThrow().target().owner())
        .isEqualTo(target.owner());
  }

  @Test
  void doesNothingTwiceWhenAnswersAreLost() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    cluster.kubernetes.faults().cutAfterCommit(1, on("PATCH", POLICY));
    cluster.kubernetes.faults().cutAfterCommit(1, on("PATCH", "/pods/"));

    Outcome outcome = acted(target, prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("isolated, as read back"));
    assertThat(Writes.actions(cluster.kubernetes)).hasSize(2);
  }

  @Test
  void doesNothingTwiceWhenItIsResumed() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    acted(target, prior);

    assertThat(cluster.isolate.act(cluster.step(target), prior, true))
        .isEqualTo(new Outcome.Done("isolated, as read back"));
    assertThat(Writes.actions(cluster.kubernetes)).hasSize(2);
  }

  @Test
  void triesAgainWhenThePodWasChanged() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    cluster.kubernetes.faults().conflict(2, on("PATCH", "/pods/"));

    assertThat(acted(target, prior)).isEqualTo(new Outcome.Done("isolated"));
    assertThat(Writes.actions(cluster.kubernetes)).hasSize(2);
  }

  @Test
  void writesNothingToAPodWithALockThatWasNotStored() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    cluster.shop.annotatePods("auth-proxy", "touched", "yes");

    Outcome outcome = cluster.isolate.act(cluster.step(target), prior, false);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Changed.class,
            changed -> {
              assertThat(changed.prior().path("resource_version"))
                  .isNotEqualTo(prior.path("resource_version"));
              assertThat(acted(target, changed.prior())).isEqualTo(new Outcome.Done("isolated"));
            });
    assertThat(Writes.actions(cluster.kubernetes)).hasSize(2);
  }

  @Test
  void anActThatComesAfterItsUndoingLeavesNothingBehind() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    assertThat(acted(target, prior)).isInstanceOf(Outcome.Done.class);
    assertThat(cluster.isolate.undo(cluster.step(target), prior)).isInstanceOf(Outcome.Done.class);

    Outcome late = cluster.isolate.act(cluster.step(target), prior, false);

    assertThat(late).isEqualTo(new Outcome.Failed("superseded: pod " + target.pod() + " is gone"));
    assertThat(cluster.shop.policies()).isEmpty();
  }

  @Test
  void leavesThePodsSuccessorAlone() {
    Target target = authProxy();
    Target other =
        new Target(
            target.cluster(),
            target.namespace(),
            target.pod(),
            "00000000-0000-0000-0000-000000000000",
            null,
            null,
            target.owner(),
            null);

    assertThat(cluster.isolate.prepare(cluster.step(other)))
        .isEqualTo(
            new Preparation.Impossible(
                "superseded: pod " + target.pod() + " is another one by now"));
    assertThat(cluster.isolate.act(cluster.step(other), prepared(target), false))
        .isInstanceOf(Outcome.Failed.class);
    assertThat(cluster.shop.pod(known(target.pod())).getMetadata().getLabels())
        .doesNotContainKey(Annotations.CONTAINMENT);
  }

  @Test
  void neverTakesOverSomebodyElsesPolicy() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    var _ =
        cluster
            .shop
            .client
            .network()
            .v1()
            .networkPolicies()
            .inNamespace(Shop.NAMESPACE)
            .resource(
                new NetworkPolicyBuilder()
                    .withNewMetadata()
                    .withName(Isolation.policyName(Cluster.CONTAINMENT))
                    .endMetadata()
                    .withNewSpec()
                    .withNewPodSelector()
                    .addToMatchLabels("app", "other")
                    .endPodSelector()
                    .withPolicyTypes("Ingress")
                    .endSpec()
                    .build())
            .create();

    assertThat(acted(target, prior)).isInstanceOf(Outcome.Failed.class);
    assertThat(cluster.shop.pod(known(target.pod())).getMetadata().getLabels())
        .doesNotContainKey(Annotations.CONTAINMENT);
  }

  @Test
  void saysWhenAnotherPolicyStillAllowsSomething() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    var _ =
        cluster
            .shop
            .client
            .network()
            .v1()
            .networkPolicies()
            .inNamespace(Shop.NAMESPACE)
            .resource(
                new NetworkPolicyBuilder()
                    .withNewMetadata()
                    .withName("allow-all")
                    .endMetadata()
                    .withNewSpec()
                    .withNewPodSelector()
                    .endPodSelector()
                    .addNewIngress()
                    .endIngress()
                    .withPolicyTypes("Ingress")
                    .endSpec()
                    .build())
            .create();
    acted(target, prior);

    Verification seen = cluster.isolate.verify(cluster.step(target, Duration.ofMillis(100)), prior);

    assertThat(seen.passed()).isFalse();
    assertThat(seen.detail()).contains("allow-all");
  }

  @Test
  void neverTakesSelectorLabelsOffAStatefulSetsPod() {
    cluster.shop.statefulSet("ledger", 1);
    Pod pod = cluster.shop.pods("ledger").getFirst();
    Target target =
        new Target(
            Stand.CLUSTER,
            Shop.NAMESPACE,
            pod.getMetadata().getName(),
            pod.getMetadata().getUid(),
            null,
            null,
            null,
            null);
    Stand.eventually(
        "the informers see it", () -> cluster.isolate.foresee(cluster.step(target)).isPresent());
    ObjectNode prior = cluster.isolate.foresee(cluster.step(target)).orElseThrow().prior();

    acted(target, prior);

    assertThat(cluster.shop.pod(known(target.pod())).getMetadata().getLabels())
        .containsEntry("app", "ledger")
        .containsEntry(Annotations.CONTAINMENT, Cluster.CONTAINMENT);
  }

  @Test
  void undoesByDeletingTheOrphanAndThenThePolicyEvenIfAnswersAreLost() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    acted(target, prior);
    cluster.kubernetes.faults().cutAfterCommit(1, on("DELETE", "/pods/"));
    cluster.kubernetes.faults().cutAfterCommit(1, on("DELETE", POLICY));

    Outcome outcome = cluster.isolate.undo(cluster.step(target), prior);

    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    assertThat(cluster.shop.findPod(known(target.pod()))).isNull();
    assertThat(cluster.shop.policies()).isEmpty();
    assertThat(Writes.actions(cluster.kubernetes).subList(2, 4))
        .containsExactly(
            "DELETE /api/v1/namespaces/shop/pods/" + target.pod(),
            "DELETE /apis/networking.k8s.io/v1/namespaces/shop" + POLICY);
    cluster.shop.awaitReady(Shop.NAMESPACE, "auth-proxy", 2);
  }

  @Test
  void aDryRunChangesNothingAndNeedsNoLock() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    cluster.shop.annotatePods("auth-proxy", "touched", "meanwhile");

    assertThat(cluster.isolate.tryOut(cluster.step(target), prior))
        .isInstanceOf(Outcome.Done.class);
    assertThat(Writes.actions(cluster.kubernetes)).isEmpty();
  }

  private Target authProxy() {
    cluster.shop.deploy("auth-proxy", 2);
    return cluster.shop.target("auth-proxy");
  }

  /** Acts, storing what is to be stored in between. */
  private Outcome acted(Target target, ObjectNode prior) {
    Outcome outcome = cluster.isolate.act(cluster.step(target), prior, false);
    while (outcome instanceof Outcome.Changed(ObjectNode stored, String _)) {
      outcome = cluster.isolate.act(cluster.step(target), stored, false);
    }
    return outcome;
  }

  private ObjectNode prepared(Target target) {
    cluster.awaitSeen(target);
    Stand.eventually(
        "the informers know enough",
        () -> cluster.isolate.foresee(cluster.step(target)).isPresent());
    return cluster.isolate.foresee(cluster.step(target)).orElseThrow().prior();
  }
}
