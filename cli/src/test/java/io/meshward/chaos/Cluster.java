package io.meshward.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.meshward.embedded.EmbeddedKubernetes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A cluster whose API counts what is written to it, with workloads of one pod each. */
final class Cluster implements AutoCloseable {
  static final String NAME = "local";
  static final String NAMESPACE = "shop";

  /** Whom the responder's writes name. */
  private static final String RESPONDER = "meshward-responder";

  private final EmbeddedKubernetes kubernetes;
  private final KubernetesClient client;
  private final Path kubeconfig;

  Cluster(Path folder, long seed) throws IOException {
    kubernetes =
        EmbeddedKubernetes.builder()
            .readyAfter(Duration.ofMillis(50))
            .goneAfter(Duration.ofMillis(100))
            .seed(seed)
            .start();
    kubeconfig = kubernetes.writeKubeconfig(folder.resolve("kubeconfig"));
    kubernetes.createNamespace(NAMESPACE, Map.of());
    client =
        new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(kubernetes.kubeconfig()))
            .withHttpClientFactory(new JdkHttpClientFactory())
            .build();
  }

  Path kubeconfig() {
    return kubeconfig;
  }

  /** Creates workloads and waits for their pods; gives the pod's name by the workload's. */
  Map<String, String> deploy(List<String> workloads) {
    for (String workload : workloads) {
      var _ = client.load(new ByteArrayInputStream(manifest(workload).getBytes(UTF_8))).create();
    }
    Await.until(
        "every workload has a ready pod",
        () -> pods().stream().filter(Cluster::ready).count() == workloads.size());
    return pods().stream()
        .collect(
            Collectors.toMap(
                pod -> pod.getMetadata().getLabels().get("app"),
                pod -> pod.getMetadata().getName()));
  }

  private static String manifest(String workload) {
    return """
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: NAME, namespace: NAMESPACE}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: NAME, namespace: NAMESPACE, labels: {app: NAME}}
    spec:
      replicas: 1
      selector: {matchLabels: {app: NAME}}
      template:
        metadata: {labels: {app: NAME}}
        spec:
          serviceAccountName: NAME
          containers: [{name: main, image: shop}]
    """
        .replace("NAMESPACE", NAMESPACE)
        .replace("NAME", workload);
  }

  List<Pod> pods() {
    return client.pods().inNamespace(NAMESPACE).list().getItems();
  }

  /** The pods of a story's workload and those that were cut off from it, for a message. */
  String state(Story story) {
    return pods().stream()
        .filter(pod -> pod.getMetadata().getName().startsWith(story.workload() + "-"))
        .map(pod -> pod.getMetadata().getName() + " " + pod.getMetadata() + " " + pod.getStatus())
        .toList()
        .toString();
  }

  /** How many replicas each workload is to have. */
  Map<String, Integer> replicas() {
    return client.apps().deployments().inNamespace(NAMESPACE).list().getItems().stream()
        .collect(
            Collectors.toMap(
                deployment -> deployment.getMetadata().getName(),
                deployment -> deployment.getSpec().getReplicas()));
  }

  /** How many NetworkPolicies there are. */
  int policies() {
    return client.network().v1().networkPolicies().inNamespace(NAMESPACE).list().getItems().size();
  }

  /**
   * What the responder wrote, Kubernetes Events aside: method and path, with how often the API
   * server did it.
   */
  Map<String, Long> actions() {
    return kubernetes
        .writes()
        .matching(
            write ->
                write.persisted()
                    && (write.fieldManager().equals(RESPONDER)
                        || write.call().method().equals("DELETE"))
                    && !write.call().path().endsWith("/events"))
        .stream()
        .map(write -> write.call().method() + " " + write.call().path())
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
  }

  static boolean ready(Pod pod) {
    return pod.getMetadata().getDeletionTimestamp() == null
        && pod.getStatus() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  @Override
  public void close() {
    client.close();
    kubernetes.close();
  }
}
