package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.embedded.Broker;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.ingest.Ingest;
import io.meshward.ingest.IngestConfig;
import io.meshward.runtime.KafkaSettings;
import io.meshward.runtime.MeshPrincipalBuilder;
import io.meshward.runtime.MeshSslEngineFactory;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.TestMesh;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole daemon that is its SVID to a broker with access control: one that may, one that may not.
 */
final class DaemonIdentityTest {
  private static final Duration TIME = Duration.ofMinutes(1);

  @TempDir Path folder;
  private final HttpClient http = HttpClient.newHttpClient();
  private final TestMesh mesh = TestMesh.start("shop.test");
  private final SpiffeId broker = mesh.trustDomain().name().id("/ns/kafka/sa/broker");
  private final SpiffeId operator = mesh.trustDomain().name().id("/ns/meshward/sa/operator");
  private final SpiffeId ingest = mesh.trustDomain().name().id("/ns/meshward/sa/ingest");
  private final SpiffeId frontend = mesh.trustDomain().name().id("/ns/shop/sa/frontend");

  @Test
  void anIngestWhoseIdentityMayWriteAlertsWritesThemAndAnotherSaysThatItMayNot() throws Exception {
    try (mesh;
        http;
        EmbeddedKafka kafka = startBroker()) {
      CommandRun applied =
          CommandRun.of(
              "topics",
              "apply",
              "--bootstrap-servers",
              kafka.bootstrapServers(),
              "--client-config",
              clientConfig().toString(),
              "--acls",
              "--principal",
              "ingest=User:" + ingest);
      assertThat(applied.exitCode()).as(applied.err()).isEqualTo(ExitCode.OK);

      try (Ingest stranger = start(kafka, frontend, "300ms")) {
        awaitStatus(stranger, 503, "TopicAuthorizationException");
        assertThat(post(stranger, "by a stranger").statusCode()).isEqualTo(503);
      }
      try (Ingest good = start(kafka, ingest, "30s")) {
        assertThat(post(good, "good").statusCode()).isEqualTo(200);
        assertThat(alerts(kafka)).hasSize(1).first().asString().contains("\"good\"");
        awaitStatus(good, 200, "\"kafka\"");
      }
    }
  }

  private EmbeddedKafka startBroker() {
    Map<String, String> settings = new HashMap<>();
    settings.put("listener.security.protocol.map", "CLIENT:SSL");
    settings.put("ssl.engine.factory.class", MeshSslEngineFactory.class.getName());
    settings.put("principal.builder.class", MeshPrincipalBuilder.class.getName());
    settings.put(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    settings.put("super.users", "User:" + operator);
    settings.put(KafkaSettings.WORKLOAD_API, mesh.addressFor(broker));
    settings.put(KafkaSettings.QUARANTINE, "none");
    return EmbeddedKafka.start(settings);
  }

  private Path clientConfig() throws Exception {
    return Files.writeString(
        folder.resolve("client.properties"),
        properties(operator).entrySet().stream()
            .map(property -> property.getKey() + "=" + property.getValue() + "\n")
            .collect(Collectors.joining()));
  }

  private Ingest start(Broker kafka, SpiffeId id, String acknowledgeWithin) {
    String properties =
        properties(id).entrySet().stream()
            .map(property -> "    " + property.getKey() + ": \"" + property.getValue() + "\"\n")
            .collect(Collectors.joining());
    return Ingest.start(
        ConfigFile.parse(
            """
            cluster: local
            http: {address: "127.0.0.1:0"}
            acknowledge-within: %s
            kafka:
              bootstrap-servers: "%s"
              properties:
            %s\
            """
                .formatted(acknowledgeWithin, kafka.bootstrapServers(), properties),
            "test",
            IngestConfig.class));
  }

  private Map<String, String> properties(SpiffeId id) {
    return Map.of(
        "security.protocol",
        "SSL",
        "ssl.engine.factory.class",
        MeshSslEngineFactory.class.getName(),
        KafkaSettings.WORKLOAD_API,
        mesh.addressFor(id),
        KafkaSettings.BROKERS,
        broker.toString());
  }

  private void awaitStatus(Ingest daemon, int status, String words) throws Exception {
    long end = System.nanoTime() + TIME.toNanos();
    HttpResponse<String> last = ready(daemon);
    while (last.statusCode() != status || !last.body().contains(words)) {
      assertThat(System.nanoTime())
          .as("%s with %s, after %s", status, words, last.body())
          .isLessThan(end);
      TimeUnit.MILLISECONDS.sleep(20);
      last = ready(daemon);
    }
  }

  private HttpResponse<String> ready(Ingest daemon) throws Exception {
    return send(HttpRequest.newBuilder(daemon.httpUri().resolve("/readyz")).GET());
  }

  private HttpResponse<String> post(Ingest daemon, String rule) throws Exception {
    return send(
        HttpRequest.newBuilder(daemon.httpUri())
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    """
                    {"rule": "%s", "priority": "Notice", "time": "2026-01-02T03:04:05Z", "output": "o"}
                    """
                        .formatted(rule))));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return http.send(request.timeout(TIME).build(), HttpResponse.BodyHandlers.ofString());
  }

  /** What is on the topic of alerts, as somebody sees it who may read all. */
  private List<String> alerts(Broker kafka) {
    KafkaConfig config =
        new KafkaConfig(kafka.bootstrapServers(), "meshward", properties(operator));
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config.reader("test"))) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(config.topic(TopicCatalogue.EVENTS_FALCO)).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      List<String> found = new ArrayList<>();
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
        consumer
            .poll(Duration.ofMillis(100))
            .forEach(record -> found.add(new String(record.value(), StandardCharsets.UTF_8)));
      }
      return found;
    }
  }
}
