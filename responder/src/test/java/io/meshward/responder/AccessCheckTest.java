package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessCheckTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @Test
  void namesEveryRuleThatIsMissing() throws IOException {
    HttpServer server = server(Set.of("patch deployments/scale shop", "watch pods "));
    try (KubernetesConnection connection = connection(server);
        Cluster cluster = new Cluster(folder)) {
      List<AccessCheck.Need> needs =
          AccessCheck.needs(
              config("enforce: {namespaces: [shop]}\nmode: enforce"), List.of(cluster.scale));

      assertThatThrownBy(() -> check(connection, needs))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(
              "need: watch pods in all namespaces; patch apps/deployments/scale in namespace shop"
                  + " (");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void isContentWhenEverythingIsAllowed() throws IOException {
    HttpServer server = server(Set.of());
    try (KubernetesConnection connection = connection(server);
        Cluster cluster = new Cluster(folder)) {
      List<AccessCheck.Need> needs =
          AccessCheck.needs(config("mode: approve"), List.of(cluster.scale, cluster.isolate));

      assertThatCode(() -> check(connection, needs)).doesNotThrowAnyException();
    } finally {
      server.stop(0);
    }
  }

  @Test
  void goesOnWhenTheApiDoesNotAnswer() throws IOException {
    HttpServer server = server(Set.of());
    try (KubernetesConnection connection = connection(server)) {
      server.stop(0);

      AccessCheck check = new AccessCheck(connection.api());
      List<AccessCheck.Need> needs = AccessCheck.needs(config("mode: observe"), List.of());
      assertThatCode(() -> check.require(needs, Duration.ofMillis(500))).doesNotThrowAnyException();
    }
  }

  @Test
  void asksForNoMoreThanTheModeNeeds() {
    try (Cluster cluster = new Cluster(folder)) {
      List<ClusterAction> actions = List.of(cluster.scale, cluster.isolate);

      assertThat(words("mode: observe", actions))
          .contains("list pods in all namespaces", "get pods in all namespaces")
          .noneMatch(need -> need.contains("scale") || need.startsWith("patch"));
      assertThat(words("mode: plan", actions))
          .contains("get apps/deployments/scale in all namespaces")
          .noneMatch(
              need ->
                  need.startsWith("patch")
                      || need.startsWith("create")
                      || need.startsWith("delete"));
      assertThat(words("mode: approve", actions))
          .contains("patch apps/deployments/scale in all namespaces");
      assertThat(words("mode: enforce\nenforce: {namespaces: [a, b]}", actions))
          .contains(
              "patch apps/deployments/scale in namespace a",
              "patch apps/deployments/scale in namespace b",
              "create events.k8s.io/events in namespace a")
          .noneMatch(need -> need.startsWith("patch") && need.endsWith("in all namespaces"));
    }
  }

  private Set<String> words(String more, List<ClusterAction> actions) {
    return AccessCheck.needs(config(more), actions).stream()
        .map(AccessCheck.Need::toString)
        .collect(Collectors.toSet());
  }

  private static void check(KubernetesConnection connection, List<AccessCheck.Need> needs) {
    new AccessCheck(connection.api()).require(needs, Stand.PATIENCE);
  }

  private static ResponderConfig config(String more) {
    return io.meshward.daemon.ConfigFile.parse(
        """
        kafka: {bootstrap-servers: '127.0.0.1:9092'}
        cluster: local
        trust-domain: example.org
        playbooks: playbooks
        """
            + more,
        "test",
        ResponderConfig.class);
  }

  private KubernetesConnection connection(HttpServer server) throws IOException {
    Path kubeconfig =
        Files.writeString(
            folder.resolve("access-kubeconfig"),
            """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]
            users: [{name: u, user: {}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            """
                .formatted(server.getAddress().getPort()));
    return KubernetesConnection.open(kubeconfig, Stand.PATIENCE);
  }

  /** An API server that answers access reviews only, and refuses some of them. */
  private static HttpServer server(Set<String> refused) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        exchange -> answer(exchange, refused));
    server.start();
    return server;
  }

  private static void answer(HttpExchange exchange, Set<String> refused) throws IOException {
    JsonNode asked = JSON.readTree(exchange.getRequestBody()).at("/spec/resourceAttributes");
    String subresource = asked.path("subresource").asText();
    String words =
        asked.path("verb").asText()
            + " "
            + asked.path("resource").asText()
            + (subresource.isEmpty() ? "" : "/" + subresource)
            + " "
            + asked.path("namespace").asText();
    var review = EventCodec.object();
    review.putObject("status").put("allowed", !refused.contains(words));
    byte[] body = review.toString().getBytes(UTF_8);
    exchange.sendResponseHeaders(201, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
