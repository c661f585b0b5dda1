package io.meshward.ingest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;

/** Posts as sensors do. Thread-safe. */
final class HttpPoster implements AutoCloseable {
  private final HttpClient client;

  HttpPoster() {
    this(HttpClient.newBuilder());
  }

  HttpPoster(HttpClient.Builder client) {
    this.client = client.version(HttpClient.Version.HTTP_1_1).build();
  }

  /** An answer: its status, its headers, its JSON. */
  record Answer(int status, Map<String, String> headers, JsonNode json) {}

  Answer post(URI uri, String body) throws IOException, InterruptedException {
    return post(uri, HttpRequest.BodyPublishers.ofString(body), Map.of());
  }

  Answer post(URI uri, HttpRequest.BodyPublisher body, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(30)).POST(body);
    headers.forEach(request::header);
    return send(request.build());
  }

  Answer get(URI uri) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(30)).build());
  }

  String text(URI uri) throws IOException, InterruptedException {
    return client
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private Answer send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    Map<String, String> headers =
        response.headers().map().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().getFirst()));
    return new Answer(response.statusCode(), headers, new ObjectMapper().readTree(response.body()));
  }

  @Override
  public void close() {
    client.close();
  }
}
