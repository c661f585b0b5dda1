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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IsolateActionTest {
  private static final String POLICY = "/networkpolicies/meshward-" + Cluster.CONTAINMENT;
  private static final String POLICY_PATH = "/apis/networking.k8s.io/v1/namespaces/shop" + POLICY;

  /** Longer than a write takes. */
  private static final Duration LONG = Duration.ofMillis(400);

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
  void isolatesOnePodByPolicyAndLabelAtOnceAndLetsAReplacementStart() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    CountDownLatch labelled = new CountDownLatch(1);
    cluster.kubernetes.faults().hold(1, labelled, on("PATCH", POLICY));

    CompletableFuture<Outcome> acting =
        CompletableFuture.supplyAsync(() -> acted(target, prior), Thread::startVirtualThread);
    Stand.eventually(
        "the label is on before the policy is",
        () ->
            cluster
                .shop
                .pod(known(target.pod()))
                .getMetadata()
                .getLabels()
                .containsKey(Annotations.CONTAINMENT));
    labelled.countDown();

    assertThat(acting.join()).isEqualTo(new Outcome.Done("isolated"));
    assertThat(Writes.actions(cluster.kubernetes))
        .containsExactly(label(target), "PATCH " + POLICY_PATH);
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
  void waitsForThePolicyWhereThePodWouldBeFreeOfAnotherBeforeIt() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    policy("no-way-out", "auth-proxy", "Egress");
    Stand.eventually(
        "the informers see the policy",
        () -> cluster.selectors.letsGo(Shop.NAMESPACE, Map.of("app", "auth-proxy"), Map.of()));
    cluster.kubernetes.faults().delay(1, LONG, on("PATCH", POLICY));

    assertThat(acted(target, prior)).isEqualTo(new Outcome.Done("isolated"));

    assertThat(Writes.actions(cluster.kubernetes))
        .containsExactly("PATCH " + POLICY_PATH, label(target));
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
    Map<String, String> labels = cluster.shop.pod(known(target.pod())).getMetadata().getLabels();
    policy(Isolation.policyName(Cluster.CONTAINMENT), "other", "Ingress");

    assertThat(acted(target, prior)).isInstanceOf(Outcome.Failed.class);
    assertThat(cluster.shop.policies())
        .singleElement()
        .satisfies(
            policy ->
                assertThat(policy.getSpec().getPodSelector().getMatchLabels())
                    .containsEntry("app", "other"));
    Pod pod = cluster.shop.pod(known(target.pod()));
    assertThat(pod.getMetadata().getUid()).isEqualTo(target.podUid());
    assertThat(pod.getMetadata().getLabels()).isEqualTo(labels);
    assertThat(pod.getMetadata().getAnnotations())
        .doesNotContainKeys(Annotations.ORIGINAL_LABELS, Annotations.ORIGINAL_OWNERS);
  }

  @Test
  void givesTheLabelsBackWhenThePolicyIsRefusedOnlyAfterAnInterruption() {
    Target target = authProxy();
    ObjectNode prior = prepared(target);
    Map<String, String> labels = cluster.shop.pod(known(target.pod())).getMetadata().getLabels();
    cluster.kubernetes.faults().throttle(100, LONG, on("PATCH", POLICY));
    StepContext brief = cluster.step(target, LONG.dividedBy(2));
    assertThat(cluster.isolate.act(brief, prior, false)).isInstanceOf(Outcome.Later.class);
    assertThat(cluster.shop.pod(known(target.pod())).getMetadata().getLabels())
        .containsOnlyKeys(Annotations.CONTAINMENT);
    cluster.kubernetes.faults().clear();
    policy(Isolation.policyName(Cluster.CONTAINMENT), "other", "Ingress");

    assertThat(cluster.isolate.act(cluster.step(target), prior, true))
        .isInstanceOf(Outcome.Failed.class);

    assertThat(cluster.shop.pod(known(target.pod())).getMetadata().getLabels()).isEqualTo(labels);
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

  private void policy(String name, String app, String type) {
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
                    .withName(name)
                    .endMetadata()
                    .withNewSpec()
                    .withNewPodSelector()
                    .addToMatchLabels("app", app)
                    .endPodSelector()
                    .withPolicyTypes(type)
                    .endSpec()
                    .build())
            .create();
  }

  private static String label(Target target) {
    return "PATCH /api/v1/namespaces/shop/pods/" + target.pod();
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
