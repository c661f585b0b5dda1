package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.StepState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NotifierTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PLAYBOOK =
      """
      - playbook: tell
        desc: Scales, and tells somebody.
        match: detection.tags intersects (tell)
        steps:
          - action: workload.scale
          - action: notify
            params: {to: webhook, text: "%target.namespace/%target.owner.name is stopped"}
            on-error: continue
        recover: {mode: manual}
      """;

  @TempDir Path folder;

  private record Post(String key, JsonNode body) {}

  @Test
  void tellsAWebhookWhatWasDone() throws Exception {
    List<Post> posts = new CopyOnWriteArrayList<>();
    HttpServer server = server(posts, 204);
    try (Stand stand = new Stand(folder)) {
      Containment contained = contained(stand, server);

      assertThat(contained.steps().get(1).state()).isEqualTo(StepState.DONE);
      assertThat(posts).hasSize(1);
      assertThat(posts.getFirst().key()).isEqualTo(contained.containment().id() + "/1");
      assertThat(posts.getFirst().body().path("text").asText())
          .isEqualTo("shop/frontend is stopped");
      assertThat(posts.getFirst().body().at("/containment/containment/id").asText())
          .isEqualTo(contained.containment().id());
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aWebhookThatRefusesDoesNotChangeTheContainment() throws Exception {
    List<Post> posts = new CopyOnWriteArrayList<>();
    HttpServer server = server(posts, 500);
    try (Stand stand = new Stand(folder)) {
      Containment contained = contained(stand, server);

      assertThat(contained.steps().get(1).state()).isEqualTo(StepState.FAILED);
      assertThat(contained.steps().get(1).error()).isEqualTo("the webhook answered 500");
      assertThat(stand.shop.replicas("frontend")).isZero();
    } finally {
      server.stop(0);
    }
  }

  private static Containment contained(Stand stand, HttpServer server) {
    stand.playbook(PLAYBOOK);
    stand.shop.deploy("frontend", 1);
    stand.start(
        stand.enforcing(
            "notifications: {webhook: 'http://127.0.0.1:" + server.getAddress().getPort() + "/'}"));
    stand.detect(Detections.of("tell", stand.shop.target("frontend")));
    return stand.awaitState(ContainmentState.CONTAINED);
  }

  private static HttpServer server(List<Post> posts, int status) throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          posts.add(
              new Post(
                  exchange.getRequestHeaders().getFirst("Idempotency-Key"),
                  JSON.readTree(exchange.getRequestBody())));
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    server.start();
    return server;
  }
}
