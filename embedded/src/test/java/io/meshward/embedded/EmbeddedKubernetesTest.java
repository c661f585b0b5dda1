package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class EmbeddedKubernetesTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  @Test
  void servesItsVersionAndNodesFromTheStart() throws Exception {
    try (EmbeddedKubernetes kubernetes = EmbeddedKubernetes.start();
        HttpClient client = HttpClient.newHttpClient()) {
      JsonNode version = get(client, kubernetes.url().resolve("/version"));
      JsonNode nodes = get(client, kubernetes.url().resolve("/api/v1/nodes"));

      assertThat(version.path("minor").asText()).isEqualTo("36");
      assertThat(nodes.path("items")).hasSize(3);
    }
  }

  private static JsonNode get(HttpClient client, URI uri) throws Exception {
    HttpResponse<String> response =
        client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    return MAPPER.readTree(response.body());
  }
}
