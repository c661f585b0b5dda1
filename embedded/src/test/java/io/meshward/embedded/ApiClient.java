package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Speaks to a Kubernetes API in plain HTTP, so that every cluster of the contract gets the very
 * same bytes.
 */
final class ApiClient implements AutoCloseable {

  static final String MERGE = "application/merge-patch+json";
  static final String JSON_PATCH = "application/json-patch+json";
  static final String APPLY = "application/apply-patch+yaml";

  static final ObjectMapper MAPPER = new ObjectMapper();

  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration POLL = Duration.ofMillis(20);

  private final ContractCluster cluster;
  private final HttpClient http;
  private final URI url;

  ApiClient(ContractCluster cluster) {
    this.cluster = cluster;
    this.http = cluster.http();
    this.url = cluster.url();
  }

  /** What the API answered. */
  record Answer(int code, JsonNode body, HttpHeaders headers) {

    /** A field, by JSON pointer. */
    JsonNode at(String pointer) {
      return body.at(pointer);
    }

    String text(String pointer) {
      return body.at(pointer).asText();
    }

    String name() {
      return text("/metadata/name");
    }

    String uid() {
      return text("/metadata/uid");
    }

    String version() {
      return text("/metadata/resourceVersion");
    }

    Answer succeeds() {
      assertThat(code).as("%s", body).isBetween(200, 299);
      return this;
    }

    Answer hasCode(int expected) {
      assertThat(code).as("%s", body).isEqualTo(expected);
      return this;
    }

    /** A refusal: its HTTP status, the same code in the Status object, and its reason. */
    Answer isRefused(int expected, String reason) {
      assertThat(code).as("%s", body).isEqualTo(expected);
      assertThat(text("/kind")).isEqualTo("Status");
      assertThat(text("/status")).isEqualTo("Failure");
      assertThat(at("/code").asInt()).isEqualTo(expected);
      assertThat(text("/reason")).isEqualTo(reason);
      return this;
    }

    Answer saying(String message) {
      assertThat(text("/message")).isEqualTo(message);
      return this;
    }

    Answer containing(String part) {
      assertThat(text("/message")).contains(part);
      return this;
    }

    /** The fields that the causes of a refusal name. */
    List<String> causes() {
      List<String> fields = new ArrayList<>();
      body.at("/details/causes").forEach(c -> fields.add(c.path("field").asText()));
      return fields.stream().distinct().toList();
    }

    /** The names of a list's items. */
    List<String> names() {
      List<String> names = new ArrayList<>();
      body.path("items").forEach(i -> names.add(i.at("/metadata/name").asText()));
      return names;
    }
  }

  Answer get(String path) {
    return send("GET", path, "", "");
  }

  Answer post(String path, String body) {
    return send("POST", path, body, "application/json");
  }

  Answer put(String path, String body) {
    return send("PUT", path, body, "application/json");
  }

  Answer merge(String path, String patch) {
    return send("PATCH", path, patch, MERGE);
  }

  Answer jsonPatch(String path, String patch) {
    return send("PATCH", path, patch, JSON_PATCH);
  }

  Answer apply(String path, String configuration) {
    return send("PATCH", path, configuration, APPLY);
  }

  Answer delete(String path) {
    return send("DELETE", path, "", "");
  }

  Answer delete(String path, String options) {
    return send("DELETE", path, options, "application/json");
  }

  Answer send(String method, String path, String body, String contentType) {
    HttpResponse<String> response;
    try {
      response =
          http.send(request(method, path, body, contentType), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(method + " " + path, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    boolean json =
        response.headers().firstValue("Content-Type").orElse("").startsWith("application/json");
    try {
      JsonNode node = json ? MAPPER.readTree(response.body()) : TextNode.valueOf(response.body());
      return new Answer(response.statusCode(), node, response.headers());
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(
          method + " " + path + " answers no JSON: " + response.body(), e);
    }
  }

  private HttpRequest request(String method, String path, String body, String contentType) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url.resolve(path))
            .timeout(TIMEOUT)
            .header("Accept", "application/json")
            .header("User-Agent", "contract/1")
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (!contentType.isEmpty()) {
      request.header("Content-Type", contentType);
    }
    cluster.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return request.build();
  }

  /** Reads until the answer is as wanted; fails after half a minute, with what was seen last. */
  Answer await(String path, Predicate<Answer> wanted) {
    long end = System.nanoTime() + TIMEOUT.toNanos();
    Answer last = get(path);
    while (!wanted.test(last)) {
      assertThat(System.nanoTime()).as("%s is still %s", path, last.body()).isLessThan(end);
      try {
        Thread.sleep(POLL);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      last = get(path);
    }
    return last;
  }

  Answer awaitGone(String path) {
    return await(path, a -> a.code() == 404);
  }

  /** The events of a watch, which is closed when they are enough or the server ends it. */
  List<ObjectNode> events(String path, Predicate<List<ObjectNode>> enough) {
    HttpRequest request = request("GET", path, "", "");
    try {
      HttpResponse<Stream<String>> response =
          http.send(request, HttpResponse.BodyHandlers.ofLines());
      assertThat(response.statusCode()).isEqualTo(200);
      List<ObjectNode> events = new ArrayList<>();
      try (Stream<String> lines = response.body()) {
        for (Iterator<String> each = lines.iterator(); !enough.test(events) && each.hasNext(); ) {
          events.add((ObjectNode) MAPPER.readTree(each.next()));
        }
      }
      return events;
    } catch (IOException e) {
      throw new UncheckedIOException(path, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
