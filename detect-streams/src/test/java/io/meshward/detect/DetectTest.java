package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.TopicCatalogue;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Detection as a process, on a real broker. */
class DetectTest {
  static final String RULES =
      """
      - rule: Shell
        desc: a shell
        source: falco.alert
        condition: proc.name = bash
        output: shell in %k8s.pod.name
        priority: Critical
      - rule: Fetch
        desc: a fetch
        source: falco.alert
        condition: proc.name = fetch
        output: fetch in %k8s.pod.name
        priority: Notice
      - detection: Burst
        desc: three fetches
        output: "%correlation.count fetches in %k8s.pod.name"
        priority: Critical
        correlation: {type: event_count, rules: [Fetch], group-by: [k8s.pod.name], timespan: 60s, condition: {gte: 3}}
      """;

  private static Broker broker;
  @TempDir Path directory;

  @BeforeAll
  static void startBroker() {
    broker = Brokers.start();
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @Test
  void detectsWithAndWithoutAWindow() throws Exception {
    try (Pipeline pipeline = new Pipeline(broker, directory, RULES);
        Detect detect = pipeline.start()) {
      Pipeline.Reader detections = pipeline.reader(TopicCatalogue.DETECTIONS);
      Instant time = Instant.now().minusSeconds(5);
      send(pipeline, "shell", "a", time, "bash");
      assertThat(detections.awaitDetections(1).getFirst().data().detection().rule())
          .isEqualTo("Shell");
      for (int n = 0; n < 3; n++) {
        send(pipeline, "fetch-" + n, "a", time.plusMillis(n), "fetch");
      }
      Envelope<Detection> burst = detections.awaitDetections(2).getLast();
      assertThat(burst.data().detection().rule()).isEqualTo("Burst");
      assertThat(burst.data().detection().output()).isEqualTo("3 fetches in a");
      assertThat(burst.data().evidence()).hasSize(3);
      assertThat(get(detect, "/readyz").statusCode()).isEqualTo(200);
      assertThat(get(detect, "/metrics").body())
          .contains("meshward_detect_detections_total{rule=\"Burst\"} 1.0");
    }
  }

  private static void send(Pipeline pipeline, String id, String pod, Instant time, String program)
      throws Exception {
    Envelope<FalcoAlert> alert =
        Events.alert(id, time, pod, java.util.Map.of("proc.name", program, "k8s.pod.name", pod));
    pipeline.send(alert, "demo/shop/" + pod);
  }

  private static HttpResponse<String> get(Detect detect, String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI uri = detect.httpUri().resolve(path);
      return client.send(
          HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(5)).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }
}
