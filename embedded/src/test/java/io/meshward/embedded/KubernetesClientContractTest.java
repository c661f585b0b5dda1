package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.DeleteOptionsBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The traffic of fabric8's client: informers and writes, as the responder and the demo use it. */
class KubernetesClientContractTest extends KubernetesContract {

  private KubernetesClient client;

  KubernetesClientContractTest(ContractCluster cluster) {
    super(cluster);
  }

  @BeforeEach
  void connect() {
    client = connect(false);
  }

  @AfterEach
  void close() {
    client.close();
  }

  private KubernetesClient connect(boolean onlyHttpWatches) {
    return new KubernetesClientBuilder()
        .withConfig(
            new ConfigBuilder(cluster.config())
                .withNamespace(namespace)
                .withRequestRetryBackoffLimit(0)
                .withOnlyHttpWatches(onlyHttpWatches)
                .build())
        .withHttpClientFactory(new JdkHttpClientFactory())
        .build();
  }

  /** What an informer told, in order: {@code + name}, {@code ~ name}, {@code - name}. */
  private record Told<T extends HasMetadata>(SharedIndexInformer<T> informer, Queue<String> events)
      implements AutoCloseable {

    static <T extends HasMetadata> Told<T> of(SharedIndexInformer<T> informer) {
      Queue<String> events = new ConcurrentLinkedQueue<>();
      informer.addEventHandler(
          new ResourceEventHandler<>() {
            @Override
            public void onAdd(T object) {
              events.add("+ " + object.getMetadata().getName());
            }

            @Override
            public void onUpdate(T before, T object) {
              events.add("~ " + object.getMetadata().getName());
            }

            @Override
            public void onDelete(T object, boolean lastStateUnknown) {
              events.add("- " + object.getMetadata().getName());
            }
          });
      informer.start().toCompletableFuture().join();
      return new Told<>(informer, events);
    }

    /** What it told comes a little later than what it knows. */
    long leavings() {
      return events.stream().filter(event -> event.startsWith("- ")).count();
    }

    List<T> known() {
      return informer.getStore().list();
    }

    @Override
    public void close() {
      informer.stop();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void informersFollowWorkloadsAndTheirPods(boolean onlyHttpWatches) {
    String name = onlyHttpWatches ? "followed" : "followed-by-socket";
    client.resource(read(deployment("before-" + name, 1), Deployment.class)).create();
    try (KubernetesClient watching = connect(onlyHttpWatches);
        Told<Deployment> deployments =
            Told.of(watching.apps().deployments().inNamespace(namespace).runnableInformer(0));
        Told<ReplicaSet> replicaSets =
            Told.of(watching.apps().replicaSets().inNamespace(namespace).runnableInformer(0));
        Told<Pod> pods =
            Told.of(
                watching
                    .pods()
                    .inNamespace(namespace)
                    .withLabel("app", name)
                    .runnableInformer(0))) {
      await(() -> deployments.events().contains("+ before-" + name));

      client.resource(read(deployment(name, 2), Deployment.class)).create();
      await(() -> pods.known().stream().filter(this::isReady).count() == 2);
      await(
          () ->
              deployments.known().stream()
                  .anyMatch(
                      known ->
                          known.getMetadata().getName().equals(name)
                              && Integer.valueOf(2).equals(known.getStatus().getReadyReplicas())));
      Predicate<ReplicaSet> ours = known -> known.getMetadata().getName().startsWith(name + "-");
      await(() -> replicaSets.known().stream().anyMatch(ours));
      ReplicaSet set = replicaSets.known().stream().filter(ours).findFirst().orElseThrow();
      assertThat(pods.known())
          .allSatisfy(
              pod ->
                  assertThat(pod.getMetadata().getOwnerReferences())
                      .singleElement()
                      .satisfies(
                          owner -> {
                            assertThat(owner.getUid()).isEqualTo(set.getMetadata().getUid());
                            assertThat(owner.getController()).isTrue();
                          }));

      Pod leaving = pods.known().getFirst();
      client
          .resource(leaving)
          .patch(
              PatchContext.of(PatchType.JSON_MERGE), "{\"metadata\":{\"labels\":{\"app\":null}}}");
      await(() -> pods.events().contains("- " + leaving.getMetadata().getName()));
      await(() -> pods.known().stream().filter(this::isReady).count() == 2);
      client.resource(leaving).delete();

      client.apps().deployments().inNamespace(namespace).withName(name).scale(0);
      await(() -> pods.known().isEmpty());
      await(() -> pods.leavings() >= 3);
      assertThat(pods.leavings()).as("%s", pods.events()).isEqualTo(3);
      client.apps().deployments().inNamespace(namespace).withName(name).delete();
      await(() -> deployments.events().contains("- " + name));
      await(() -> replicaSets.events().contains("- " + set.getMetadata().getName()));
    } finally {
      client.apps().deployments().inNamespace(namespace).withName("before-" + name).delete();
    }
  }

  @Test
  void informersFollowWhatSelectsPods() {
    try (Told<Service> services =
            Told.of(client.services().inNamespace(namespace).runnableInformer(0));
        Told<NetworkPolicy> policies =
            Told.of(
                client
                    .network()
                    .v1()
                    .networkPolicies()
                    .inNamespace(namespace)
                    .runnableInformer(0));
        Told<StatefulSet> sets =
            Told.of(client.apps().statefulSets().inNamespace(namespace).runnableInformer(0))) {
      client.resource(read(service("chosen"), Service.class)).create();
      client.resource(read(policy("closed", "chosen"), NetworkPolicy.class)).create();
      client.resource(read(statefulSet("ordered", 1, ""), StatefulSet.class)).create();
      await(() -> services.events().contains("+ chosen"));
      await(() -> policies.events().contains("+ closed"));
      await(
          () ->
              sets.known().stream()
                  .anyMatch(set -> Integer.valueOf(1).equals(set.getStatus().getReadyReplicas())));
      client.network().v1().networkPolicies().inNamespace(namespace).withName("closed").delete();
      await(() -> policies.events().contains("- closed"));
      client.services().inNamespace(namespace).withName("chosen").delete();
      client.apps().statefulSets().inNamespace(namespace).withName("ordered").delete();
      await(() -> services.events().contains("- chosen"));
      await(() -> sets.events().contains("- ordered"));
    }
  }

  @Test
  void aStaleCopyIsNotWritten() {
    Pod read = readPod("stale");
    pod("stale").patch(PatchContext.of(PatchType.JSON_MERGE), label("changed", "yes"));

    refused(409, () -> client.resource(labelled(read, "mine", "yes")).update());
    refused(
        409,
        () ->
            pod("stale")
                .patch(
                    PatchContext.of(PatchType.JSON_MERGE),
                    "{\"metadata\":{\"resourceVersion\":\""
                        + read.getMetadata().getResourceVersion()
                        + "\",\"labels\":{\"mine\":\"yes\"}}}"));
    refused(
        422,
        () ->
            pod("stale")
                .patch(
                    PatchContext.of(PatchType.JSON_MERGE),
                    "{\"metadata\":{\"uid\":\"00000000-0000-0000-0000-000000000000\"}}"));
    Pod edited = pod("stale").edit(now -> labelled(now, "mine", "yes"));
    assertThat(edited.getMetadata().getLabels())
        .containsEntry("mine", "yes")
        .containsEntry("changed", "yes");
  }

  @Test
  void aJsonPatchIsAppliedWholeOrNotAtAll() {
    readPod("patched");
    String mine = "{\"op\":\"add\",\"path\":\"/metadata/labels/mine\",\"value\":\"yes\"}";
    refused(
        422,
        () ->
            pod("patched")
                .patch(
                    PatchContext.of(PatchType.JSON),
                    "["
                        + mine
                        + ",{\"op\":\"test\",\"path\":\"/metadata/labels/app\",\"value\":\"x\"}]"));
    assertThat(pod("patched").get().getMetadata().getLabels()).doesNotContainKey("mine");
    assertThat(
            pod("patched")
                .patch(PatchContext.of(PatchType.JSON), "[" + mine + "]")
                .getMetadata()
                .getLabels())
        .containsEntry("mine", "yes");
  }

  @Test
  void appliedFieldsBelongToTheirManager() {
    NetworkPolicy mine = read(policy("applied", "a"), NetworkPolicy.class);
    NetworkPolicy theirs = read(policy("applied", "b"), NetworkPolicy.class);
    NetworkPolicy created = client.resource(mine).patch(applyAs("first", false));
    assertThat(created.getMetadata().getManagedFields())
        .singleElement()
        .satisfies(
            entry -> {
              assertThat(entry.getManager()).isEqualTo("first");
              assertThat(entry.getOperation()).isEqualTo("Apply");
            });
    refused(409, () -> client.resource(theirs).patch(applyAs("second", false)));
    assertThat(client.resource(mine).patch(applyAs("first", false)).getMetadata())
        .extracting(meta -> meta.getResourceVersion())
        .isEqualTo(created.getMetadata().getResourceVersion());
    assertThat(
            client
                .resource(theirs)
                .patch(applyAs("second", true))
                .getSpec()
                .getPodSelector()
                .getMatchLabels())
        .containsEntry("app", "b");
    client.resource(mine).delete();
  }

  private static PatchContext applyAs(String manager, boolean force) {
    return new PatchContext.Builder()
        .withPatchType(PatchType.SERVER_SIDE_APPLY)
        .withFieldManager(manager)
        .withForce(force)
        .build();
  }

  @Test
  void aDryRunLeavesNothing() {
    Pod pod = read(pod("tried", ""), Pod.class);
    assertThat(client.resource(pod).dryRun().create().getMetadata().getUid()).isNotBlank();
    assertThat(pod("tried").get()).isNull();
    Pod created = readPod("tried");
    pod("tried").dryRun().patch(PatchContext.of(PatchType.JSON_MERGE), label("mine", "yes"));
    pod("tried").dryRun().delete();
    assertThat(pod("tried").get().getMetadata().getResourceVersion())
        .isEqualTo(created.getMetadata().getResourceVersion());
  }

  @Test
  void deletesOnlyWhatWasMeant() {
    Pod read = readPod("meant");
    pod("meant").patch(PatchContext.of(PatchType.JSON_MERGE), label("changed", "yes"));
    refused(
        409,
        () ->
            client
                .resource(read)
                .lockResourceVersion(read.getMetadata().getResourceVersion())
                .delete());
    assertThat(pod("meant").get().getMetadata().getDeletionTimestamp()).isNull();
    assertThat(pod("meant").delete()).isNotEmpty();
    await(() -> pod("meant").get() == null);
    assertThat(pod("meant").delete()).isEmpty();
  }

  @Test
  void evictsAPod() {
    Pod pod = readPod("evicted");
    assertThat(pod("evicted").evict()).isTrue();
    await(
        () -> {
          Pod now = pod("evicted").get();
          return now == null || !now.getMetadata().getUid().equals(pod.getMetadata().getUid());
        });
    refused(404, () -> pod("evicted").evict());
    Pod current = readPod("evicted-now");
    assertThat(
            pod("evicted-now")
                .evict(
                    new EvictionBuilder()
                        .withNewMetadata()
                        .withNamespace(namespace)
                        .withName("evicted-now")
                        .endMetadata()
                        .withDeleteOptions(
                            new DeleteOptionsBuilder()
                                .withNewPreconditions()
                                .withUid(current.getMetadata().getUid())
                                .endPreconditions()
                                .build())
                        .build()))
        .isTrue();
    await(() -> pod("evicted-now").get() == null);
  }

  @Test
  void listsBySelector() {
    readPod("listed");
    assertThat(client.pods().inNamespace(namespace).withLabel("app", "listed").list().getItems())
        .singleElement()
        .satisfies(found -> assertThat(found.getKind()).isEqualTo("Pod"));
    assertThat(
            client
                .pods()
                .inNamespace(namespace)
                .withLabelNotIn("app", "listed")
                .withField("status.phase", "Running")
                .list()
                .getItems())
        .noneMatch(found -> found.getMetadata().getName().equals("listed"));
    assertThat(client.nodes().list().getItems()).isNotEmpty();
    assertThat(client.namespaces().withName(namespace).get().getStatus().getPhase())
        .isEqualTo("Active");
  }

  @Test
  void saysWhatIsNotThere() {
    assertThat(pod("nowhere").get()).isNull();
    refused(
        404,
        () -> pod("nowhere").patch(PatchContext.of(PatchType.JSON_MERGE), label("mine", "yes")));
  }

  private PodResource pod(String name) {
    return client.pods().inNamespace(namespace).withName(name);
  }

  /** A new pod that nothing but clients will change any more. */
  private Pod readPod(String name) {
    readyPod(name);
    return pod(name).get();
  }

  private boolean isReady(Pod pod) {
    return pod.getStatus().getConditions().stream()
        .anyMatch(
            condition ->
                condition.getType().equals("Ready") && condition.getStatus().equals("True"));
  }

  private static Pod labelled(Pod pod, String key, String value) {
    return new PodBuilder(pod).editMetadata().addToLabels(key, value).endMetadata().build();
  }

  private static String label(String key, String value) {
    return "{\"metadata\":{\"labels\":{\"" + key + "\":\"" + value + "\"}}}";
  }

  private static String service(String name) {
    return """
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "%s"},
     "spec": {"selector": {"app": "%s"}, "ports": [{"port": 80}]}}\
    """
        .formatted(name, name);
  }

  private static String policy(String name, String app) {
    return """
    {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "%s"},
     "spec": {"podSelector": {"matchLabels": {"app": "%s"}}, "policyTypes": ["Ingress"]}}\
    """
        .formatted(name, app);
  }

  private static <T> T read(String json, Class<T> type) {
    return Serialization.unmarshal(json, type);
  }

  private static void refused(int code, ThrowingCallable write) {
    assertThatExceptionOfType(KubernetesClientException.class)
        .isThrownBy(write)
        .satisfies(refusal -> assertThat(refusal.getCode()).isEqualTo(code));
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }
}
