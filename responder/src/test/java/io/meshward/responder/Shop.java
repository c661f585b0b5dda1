package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSetBuilder;
import io.fabric8.kubernetes.api.model.autoscaling.v1.HorizontalPodAutoscalerBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Target;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The shop's workloads in a cluster, as an administrator sees and changes them. */
final class Shop implements AutoCloseable {
  static final String NAMESPACE = "shop";

  final KubernetesClient client;

  Shop(EmbeddedKubernetes kubernetes) {
    this(kubernetes.kubeconfig());
    kubernetes.createNamespace(NAMESPACE, Map.of());
  }

  Shop(String kubeconfig) {
    client =
        new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(kubeconfig))
            .withHttpClientFactory(new JdkHttpClientFactory())
            .build();
  }

  /** Creates a Deployment and waits until its pods are ready. */
  Deployment deploy(String name, int replicas) {
    return deploy(NAMESPACE, name, replicas, Map.of());
  }

  private void account(String namespace, String name) {
    var _ =
        client
            .serviceAccounts()
            .inNamespace(namespace)
            .resource(
                new ServiceAccountBuilder().withNewMetadata().withName(name).endMetadata().build())
            .create();
  }

  Deployment deploy(String namespace, String name, int replicas, Map<String, String> labels) {
    account(namespace, name);
    return create(namespace, name, replicas, labels, name);
  }

  Deployment deployAgain(String name, int replicas) {
    return create(NAMESPACE, name, replicas, Map.of(), name);
  }

  /** A Deployment of one pod that runs under another one's service account. */
  Deployment deployAs(String name, String account) {
    return create(NAMESPACE, name, 1, Map.of(), account);
  }

  /** Annotates the pods of a Deployment as they are now. */
  void annotatePods(String name, String key, String value) {
    ObjectNode change = EventCodec.object();
    change.withObject("metadata").withObject("annotations").put(key, value);
    pods(name).forEach(pod -> merge(pod, change));
  }

  /** Says who has to let go of a pod before it is gone. */
  void finalizers(Pod pod, String... names) {
    ObjectNode change = EventCodec.object();
    ArrayNode finalizers = change.withObject("metadata").putArray("finalizers");
    List.of(names).forEach(finalizers::add);
    merge(pod, change);
  }

  /** Changes a pod whatever others, such as its kubelet, change of it at the same time. */
  private void merge(Pod pod, ObjectNode change) {
    var _ =
        client.pods().resource(pod).patch(PatchContext.of(PatchType.JSON_MERGE), change.toString());
  }

  private Deployment create(
      String namespace, String name, int replicas, Map<String, String> labels, String account) {
    client
        .apps()
        .deployments()
        .inNamespace(namespace)
        .resource(
            new DeploymentBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(namespace)
                .addToLabels("app", name)
                .addToLabels(labels)
                .endMetadata()
                .withNewSpec()
                .withReplicas(replicas)
                .withNewSelector()
                .addToMatchLabels("app", name)
                .endSelector()
                .withNewTemplate()
                .withNewMetadata()
                .addToLabels("app", name)
                .endMetadata()
                .withNewSpec()
                .withServiceAccountName(account)
                .addNewContainer()
                .withName("main")
                .withImage("shop/" + name)
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build())
        .create();
    awaitReady(namespace, name, replicas);
    return deployment(namespace, name);
  }

  StatefulSet statefulSet(String name, int replicas) {
    account(NAMESPACE, name);
    client
        .apps()
        .statefulSets()
        .inNamespace(NAMESPACE)
        .resource(
            new StatefulSetBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withNewSpec()
                .withServiceName(name)
                .withReplicas(replicas)
                .withNewSelector()
                .addToMatchLabels("app", name)
                .endSelector()
                .withNewTemplate()
                .withNewMetadata()
                .addToLabels("app", name)
                .endMetadata()
                .withNewSpec()
                .withServiceAccountName(name)
                .addNewContainer()
                .withName("main")
                .withImage("shop/" + name)
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build())
        .create();
    awaitReady(NAMESPACE, name, replicas);
    return client.apps().statefulSets().inNamespace(NAMESPACE).withName(name).get();
  }

  void awaitReady(String namespace, String name, int replicas) {
    Stand.eventually(
        name + " has " + replicas + " ready pods",
        () -> pods(namespace, name).stream().filter(Shop::ready).count() == replicas);
  }

  Deployment deployment(String name) {
    return deployment(NAMESPACE, name);
  }

  Deployment deployment(String namespace, String name) {
    return client.apps().deployments().inNamespace(namespace).withName(name).get();
  }

  int replicas(String name) {
    return deployment(name).getSpec().getReplicas();
  }

  /** How many replicas the status says there are. */
  int runningReplicas(String name) {
    Integer running = deployment(name).getStatus().getReplicas();
    return running == null ? 0 : running;
  }

  List<Pod> pods(String name) {
    return pods(NAMESPACE, name);
  }

  List<Pod> pods(String namespace, String name) {
    return client.pods().inNamespace(namespace).withLabel("app", name).list().getItems();
  }

  void remove(String name) {
    var _ = client.apps().deployments().inNamespace(NAMESPACE).withName(name).delete();
    Stand.eventually(
        name + " is gone", () -> pods(name).isEmpty() && deploymentOrNull(name) == null);
  }

  private @Nullable Deployment deploymentOrNull(String name) {
    return client.apps().deployments().inNamespace(NAMESPACE).withName(name).get();
  }

  void scale(String name, int replicas) {
    var _ = client.apps().deployments().inNamespace(NAMESPACE).withName(name).scale(replicas);
    awaitReady(NAMESPACE, name, replicas);
  }

  /** The reasons of all Events. */
  List<String> eventReasons() {
    return client.v1().events().inNamespace(NAMESPACE).list().getItems().stream()
        .map(Event::getReason)
        .toList();
  }

  /** Changes a Deployment in a way that matters to nobody. */
  void touch(String name) {
    ObjectNode change = EventCodec.object();
    change.withObject("metadata").withObject("annotations").put("touched", "yes");
    var _ =
        client
            .apps()
            .deployments()
            .inNamespace(NAMESPACE)
            .withName(name)
            .patch(PatchContext.of(PatchType.JSON_MERGE), change.toString());
  }

  /** An autoscaler of a Deployment. */
  void autoscaler(String name, int least) {
    var _ =
        client
            .autoscaling()
            .v1()
            .horizontalPodAutoscalers()
            .inNamespace(NAMESPACE)
            .resource(
                new HorizontalPodAutoscalerBuilder()
                    .withNewMetadata()
                    .withName(name)
                    .endMetadata()
                    .withNewSpec()
                    .withNewScaleTargetRef("apps/v1", "Deployment", name)
                    .withMinReplicas(least)
                    .withMaxReplicas(10)
                    .endSpec()
                    .build())
            .create();
  }

  Pod pod(String name) {
    return Stand.known(findPod(name));
  }

  @Nullable Pod findPod(String name) {
    return client.pods().inNamespace(NAMESPACE).withName(name).get();
  }

  List<NetworkPolicy> policies() {
    return client.network().v1().networkPolicies().inNamespace(NAMESPACE).list().getItems();
  }

  void service(String name) {
    var _ =
        client
            .services()
            .inNamespace(NAMESPACE)
            .resource(
                new ServiceBuilder()
                    .withNewMetadata()
                    .withName(name)
                    .endMetadata()
                    .withNewSpec()
                    .addToSelector("app", name)
                    .addNewPort()
                    .withPort(443)
                    .endPort()
                    .endSpec()
                    .build())
            .create();
  }

  static boolean ready(Pod pod) {
    return pod.getMetadata().getDeletionTimestamp() == null
        && pod.getStatus() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  /** A pod as a detection names it. */
  Target target(Pod pod, String owner) {
    Deployment deployment = deployment(pod.getMetadata().getNamespace(), owner);
    return new Target(
        Stand.CLUSTER,
        pod.getMetadata().getNamespace(),
        pod.getMetadata().getName(),
        pod.getMetadata().getUid(),
        pod.getSpec().getNodeName(),
        pod.getSpec().getServiceAccountName(),
        new OwnerRef("Deployment", owner, deployment.getMetadata().getUid()),
        identity(pod.getMetadata().getNamespace(), owner));
  }

  Target target(String name) {
    return target(pods(name).getFirst(), name);
  }

  static SpiffeId identity(String name) {
    return identity(NAMESPACE, name);
  }

  static SpiffeId identity(String namespace, String name) {
    return SpiffeId.parse("spiffe://example.org/ns/" + namespace + "/sa/" + name);
  }

  @Override
  public void close() {
    client.close();
  }
}
