package io.meshward.benchmarks;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.meshward.daemon.Resources;
import io.meshward.embedded.EmbeddedKubernetes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A Kubernetes cluster with namespaces of its own for the workloads to contain: the embedded double
 * or somebody's control plane, from which everything is removed again.
 *
 * @param kubeconfig how to reach it
 * @param namespaces what the workloads are spread over
 */
record Cluster(KubernetesClient client, Path kubeconfig, List<String> namespaces, String kind) {
  private static final String APP = "app";
  private static final int NAMESPACES = 10;

  /** One workload to contain. */
  record Workload(String namespace, String name) {}

  /** Reaches the cluster and creates the namespaces. */
  static Cluster start(Optional<Path> given, Path folder, Resources resources) throws IOException {
    Path kubeconfig =
        given.isPresent()
            ? given.get()
            : resources
                .add("kubernetes", EmbeddedKubernetes.start())
                .writeKubeconfig(folder.resolve("kubeconfig"));
    KubernetesClient client =
        resources.add(
            "kubernetes client",
            new KubernetesClientBuilder()
                .withConfig(
                    new ConfigBuilder(Config.fromKubeconfig(Files.readString(kubeconfig)))
                        .withRequestTimeout(10_000)
                        .build())
                .withHttpClientFactory(new JdkHttpClientFactory())
                .build());
    String id = HexFormat.of().toHexDigits(RandomGenerator.getDefault().nextInt()).substring(2);
    List<String> namespaces =
        IntStream.rangeClosed(1, NAMESPACES)
            .mapToObj(i -> "meshward-latency-" + id + "-" + i)
            .toList();
    Cluster cluster =
        new Cluster(
            client,
            kubeconfig,
            namespaces,
            given.isPresent()
                ? "Kubernetes " + client.getKubernetesVersion().getGitVersion()
                : "the embedded Kubernetes double");
    if (given.isPresent()) {
      resources.add("namespaces", cluster::removeNamespaces);
    }
    for (String namespace : namespaces) {
      client
          .namespaces()
          .resource(
              new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build())
          .create();
    }
    return cluster;
  }

  private void removeNamespaces() {
    for (String namespace : namespaces) {
      client.namespaces().withName(namespace).delete();
    }
  }

  /** Creates Deployments, each with a service account, and so an identity, of its own. */
  List<Workload> deploy(String prefix, int count, int replicas) {
    List<Workload> workloads =
        IntStream.range(0, count)
            .mapToObj(i -> new Workload(namespaces.get(i % NAMESPACES), prefix + "-" + i))
            .toList();
    workloads.forEach(workload -> deploy(workload, replicas));
    return workloads;
  }

  private void deploy(Workload workload, int replicas) {
    String name = workload.name();
    client
        .serviceAccounts()
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withNamespace(workload.namespace())
                .withName(name)
                .endMetadata()
                .withAutomountServiceAccountToken(false)
                .build())
        .create();
    client
        .apps()
        .deployments()
        .resource(
            new DeploymentBuilder()
                .withNewMetadata()
                .withNamespace(workload.namespace())
                .withName(name)
                .withLabels(Map.of(APP, name))
                .endMetadata()
                .withNewSpec()
                .withReplicas(replicas)
                .withNewSelector()
                .withMatchLabels(Map.of(APP, name))
                .endSelector()
                .withNewTemplate()
                .withNewMetadata()
                .withLabels(Map.of(APP, name))
                .endMetadata()
                .withNewSpec()
                .withServiceAccountName(name)
                .withTerminationGracePeriodSeconds(1L)
                .addNewContainer()
                .withName("main")
                .withImage("busybox:1.37")
                .withCommand("sleep", "infinity")
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build())
        .create();
  }

  /** Writes an annotation of a Deployment with one merge patch. */
  void patch(Workload workload, String value) {
    var _ =
        client
            .apps()
            .deployments()
            .inNamespace(workload.namespace())
            .withName(workload.name())
            .patch(
                PatchContext.of(PatchType.JSON_MERGE),
                "{\"metadata\":{\"annotations\":{\"meshward.io/bench\":\"" + value + "\"}}}");
  }

  /** How many replicas a Deployment is to have. */
  int replicas(Workload workload) {
    return client
        .apps()
        .deployments()
        .inNamespace(workload.namespace())
        .withName(workload.name())
        .get()
        .getSpec()
        .getReplicas();
  }

  /** How many NetworkPolicies stand. */
  int networkPolicies() {
    return namespaces.stream()
        .mapToInt(
            namespace ->
                client.network().networkPolicies().inNamespace(namespace).list().getItems().size())
        .sum();
  }
}
