package io.meshward.responder;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The connection to one cluster. It never retries by itself: who asks decides. Thread-safe. */
final class KubernetesConnection implements AutoCloseable {
  private static final int CONNECT_TIMEOUT_MS = 3000;

  private final KubernetesClient client;
  private final KubernetesApi api;

  private KubernetesConnection(KubernetesClient client, Duration requestTimeout) {
    this.client = client;
    this.api =
        new KubernetesApi(
            client.getHttpClient(),
            URI.create(client.getConfiguration().getMasterUrl()),
            requestTimeout);
  }

  /**
   * Prepares a connection; nothing is sent yet.
   *
   * @param kubeconfig a kubeconfig, whose current context counts; the pod's service account if
   *     absent
   * @throws IllegalArgumentException if the kubeconfig cannot be used
   */
  static KubernetesConnection open(@Nullable Path kubeconfig, Duration requestTimeout) {
    Config config =
        new ConfigBuilder(base(kubeconfig))
            .withRequestRetryBackoffLimit(0)
            .withOnlyHttpWatches(true)
            .withRequestTimeout(Math.toIntExact(requestTimeout.toMillis()))
            .withConnectionTimeout(CONNECT_TIMEOUT_MS)
            .build();
    return new KubernetesConnection(
        new KubernetesClientBuilder()
            .withConfig(config)
            .withHttpClientFactory(new JdkHttpClientFactory())
            .build(),
        requestTimeout);
  }

  private static Config base(@Nullable Path kubeconfig) {
    if (kubeconfig == null) {
      return Config.autoConfigure(null);
    }
    try {
      return Config.fromKubeconfig(Files.readString(kubeconfig));
    } catch (IOException | KubernetesClientException e) {
      throw new IllegalArgumentException(
          "kubeconfig " + kubeconfig + " cannot be used (" + e + "): expected a kubeconfig file",
          e);
    }
  }

  KubernetesClient client() {
    return client;
  }

  KubernetesApi api() {
    return api;
  }

  @Override
  public void close() {
    client.close();
  }
}
