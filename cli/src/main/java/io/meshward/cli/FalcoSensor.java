package io.meshward.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Posts alerts to ingest as a Falco of some node does with its {@code http_output}. Thread-safe.
 */
final class FalcoSensor implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final URI ingest;
  private final Clock clock;
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  FalcoSensor(URI ingest, Clock clock) {
    this.ingest = ingest;
    this.clock = clock;
  }

  /**
   * Posts one alert that happens now.
   *
   * @param fields its output fields
   * @return when it happened
   * @throws ScenarioFailedException if ingest does not take it
   */
  Instant alert(
      String rule, String priority, List<String> tags, String output, Map<String, String> fields)
      throws IOException, InterruptedException, ScenarioFailedException {
    Instant now = clock.instant();
    ObjectNode alert = MAPPER.createObjectNode();
    alert.put("hostname", fields.getOrDefault("evt.hostname", "node-1"));
    alert.put("output", now + ": " + priority + " " + output);
    alert.put("priority", priority);
    alert.put("rule", rule);
    alert.put("source", "syscall");
    alert.put("time", now.toString());
    tags.forEach(alert.withArray("tags")::add);
    ObjectNode outputFields = alert.putObject("output_fields");
    outputFields.put("evt.time", now.getEpochSecond() * 1_000_000_000L + now.getNano());
    fields.forEach(outputFields::put);
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(ingest)
                .timeout(Duration.ofSeconds(10))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(MAPPER.writeValueAsBytes(alert)))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() / 100 != 2) {
      throw new ScenarioFailedException(
          "ingest answered " + answer.statusCode() + " to an alert: " + answer.body());
    }
    return now;
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
