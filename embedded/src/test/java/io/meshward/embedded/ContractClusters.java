package io.meshward.embedded;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The clusters of the contract suites: always the double, and a real one where {@value #VARIABLE}
 * names its kubeconfig.
 */
final class ContractClusters {

  static final String VARIABLE = "MESHWARD_TEST_KUBECONFIG";

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  private ContractClusters() {}

  static Stream<ContractCluster> all() {
    return Stream.of(new TheDouble(), new RealCluster(System.getenv(VARIABLE)));
  }

  private static final class TheDouble extends ContractCluster {

    private final EmbeddedKubernetes kubernetes =
        EmbeddedKubernetes.builder()
            .readyAfter(Duration.ofMillis(50))
            .goneAfter(Duration.ofMillis(400))
            .bookmarkInterval(Duration.ofMillis(500))
            .start();

    @Override
    URI url() {
      return kubernetes.url();
    }

    @Override
    HttpClient http() {
      return HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
    }

    @Override
    void assumeGiven() {}

    @Override
    Optional<String> token() {
      return Optional.empty();
    }

    @Override
    Config config() {
      return Config.fromKubeconfig(kubernetes.kubeconfig());
    }

    @Override
    public void close() {
      super.close();
      kubernetes.close();
    }

    @Override
    public String toString() {
      return "the double";
    }
  }

  private static final class RealCluster extends ContractCluster {

    private final @Nullable String kubeconfig;

    RealCluster(@Nullable String kubeconfig) {
      this.kubeconfig = kubeconfig;
    }

    @Override
    void assumeGiven() {
      assumeTrue(
          kubeconfig != null,
          "set "
              + VARIABLE
              + " to the kubeconfig of a disposable cluster to hold the double against it");
    }

    @Override
    URI url() {
      return URI.create(config().getMasterUrl());
    }

    @Override
    HttpClient http() {
      try {
        return HttpClient.newBuilder()
            .sslContext(SSLUtils.sslContext(config()))
            .connectTimeout(CONNECT_TIMEOUT)
            .build();
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException("the certificates of " + kubeconfig + " cannot be used", e);
      }
    }

    @Override
    Optional<String> token() {
      return Optional.ofNullable(config().getAutoOAuthToken())
          .or(() -> Optional.ofNullable(config().getOauthToken()));
    }

    @Override
    Config config() {
      try {
        return Config.fromKubeconfig(Files.readString(Path.of(String.valueOf(kubeconfig))));
      } catch (IOException e) {
        throw new UncheckedIOException(
            VARIABLE + " names " + kubeconfig + ", which cannot be read", e);
      }
    }

    @Override
    public String toString() {
      return "a real cluster";
    }
  }
}
