package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.meshward.embedded.EmbeddedKubernetes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * A cluster with a namespace for the shop: the embedded API, or somebody's, on which the namespace
 * is removed at the end.
 */
record KubernetesPart(
    KubernetesClient client, Path kubeconfig, String namespace, boolean embedded) {
  private static final int REQUEST_MILLIS = 10_000;
  private static final Duration NAMESPACE_GONE = Duration.ofSeconds(60);

  /** The embedded API. */
  static KubernetesPart embedded(Path folder, String namespace, String demo, Starter starter)
      throws IOException, InterruptedException {
    EmbeddedKubernetes kubernetes = starter.start("kubernetes", EmbeddedKubernetes::start);
    Path kubeconfig = kubernetes.writeKubeconfig(folder.resolve("kubeconfig"));
    KubernetesPart part =
        new KubernetesPart(client(kubeconfig, starter), kubeconfig, namespace, true);
    part.createNamespace(demo);
    return part;
  }

  /**
   * Somebody's cluster.
   *
   * @param namespace must be new there
   * @throws CommandException if it does not answer, forbids it, or has that namespace
   */
  static KubernetesPart real(Path kubeconfig, String namespace, String demo, Starter starter) {
    KubernetesPart part =
        new KubernetesPart(client(kubeconfig, starter), kubeconfig, namespace, false);
    // Before it is made, so that it goes even if the answer to its making never comes.
    starter.add("namespace " + namespace, () -> part.removeNamespace(demo));
    part.createNamespace(demo);
    return part;
  }

  private static KubernetesClient client(Path kubeconfig, Starter starter) {
    Config config;
    try {
      config = Config.fromKubeconfig(Files.readString(kubeconfig));
    } catch (KubernetesClientException | IOException e) {
      throw new CommandException(
          ExitCode.USAGE, "--kubeconfig " + kubeconfig + " cannot be used: " + e, e);
    }
    return starter.add(
        "kubernetes client",
        new KubernetesClientBuilder()
            .withConfig(
                new ConfigBuilder(config)
                    .withRequestTimeout(REQUEST_MILLIS)
                    .withRequestRetryBackoffLimit(2)
                    .build())
            .withHttpClientFactory(new JdkHttpClientFactory())
            .build());
  }

  private void createNamespace(String demo) {
    try {
      client.namespaces().resource(ShopManifests.namespace(namespace, demo)).create();
    } catch (KubernetesClientException e) {
      throw explained(e);
    }
  }

  private CommandException explained(KubernetesClientException e) {
    String where = "Kubernetes at " + client.getMasterUrl() + ": ";
    return switch (e.getCode()) {
      case 401, 403 -> new CommandException(ExitCode.NOT_ALLOWED, where + e.getMessage(), e);
      case 409 ->
          new CommandException(
              ExitCode.CONFLICT, where + "the namespace " + namespace + " exists already", e);
      default -> new CommandException(ExitCode.UNREACHABLE, where + e.getMessage(), e);
    };
  }

  /** Deploys the shop. */
  void deployShop(Map<String, Integer> replicas) {
    replicas.forEach(
        (service, count) -> {
          client.resource(ShopManifests.serviceAccount(namespace, service)).create();
          client.resource(ShopManifests.service(namespace, service)).create();
          client.resource(ShopManifests.deployment(namespace, service, count)).create();
        });
  }

  /** Only if it is the one that was made here. */
  private void removeNamespace(String demo) {
    Namespace found = client.namespaces().withName(namespace).get();
    if (found == null || !ShopManifests.isOf(found, demo)) {
      return;
    }
    client.namespaces().withName(namespace).delete();
    client
        .namespaces()
        .withName(namespace)
        .waitUntilCondition(Objects::isNull, NAMESPACE_GONE.toSeconds(), TimeUnit.SECONDS);
  }
}
