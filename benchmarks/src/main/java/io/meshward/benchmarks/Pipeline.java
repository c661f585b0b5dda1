package io.meshward.benchmarks;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Resources;
import io.meshward.daemon.TopicAdmin;
import io.meshward.detect.Detect;
import io.meshward.detect.DetectConfig;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.ingest.Ingest;
import io.meshward.ingest.IngestConfig;
import io.meshward.responder.Responder;
import io.meshward.responder.ResponderConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;

/**
 * A Kafka broker and the three daemons, as they ship: their own configuration files, rules and
 * playbooks, every setting that has to do with time at its default. What is set beside addresses: a
 * responder that may enforce in the benchmark's namespaces, and as often as it likes.
 */
record Pipeline(KafkaConfig kafka, URI ingest) {
  private static final Duration READY = Duration.ofSeconds(90);

  static Pipeline start(
      Cluster cluster, String workloadApi, Path home, Path folder, Resources resources)
      throws Exception {
    EmbeddedKafka broker = resources.add("kafka", EmbeddedKafka.start());
    KafkaConfig kafka = new KafkaConfig(broker.bootstrapServers(), "meshward", Map.of());
    try (Admin admin = Admin.create(kafka.admin("latency"))) {
      var _ = new TopicAdmin(admin, kafka.prefix(), Duration.ofSeconds(15)).apply();
    }
    String common =
        """
        cluster: local
        http: {address: '127.0.0.1:0'}
        kafka:
          bootstrap-servers: '%s'
          prefix: '%s'
        """
            .formatted(kafka.bootstrapServers(), kafka.prefix());
    Responder responder =
        resources.add(
            "respond",
            Responder.start(
                ConfigFile.parse(
                    common
                        + """
                        trust-domain: example.org
                        kubernetes: {kubeconfig: '%s'}
                        playbooks: '%s'
                        mode: enforce
                        enforce: {namespaces: [%s]}
                        budget: {containments: 1000000, window: 10m}
                        """
                            .formatted(
                                cluster.kubeconfig(),
                                home.resolve("playbooks"),
                                cluster.namespaces().stream()
                                    .map(namespace -> "'" + namespace + "'")
                                    .collect(Collectors.joining(", "))),
                    "the responder's configuration",
                    ResponderConfig.class)));
    Detect detect =
        resources.add(
            "detect",
            Detect.start(
                ConfigFile.parse(
                    common
                        + """
                          properties: {meshward.workload.api: '%s'}
                        rules: ['%s']
                        state-directory: '%s'
                        """
                            .formatted(
                                workloadApi, home.resolve("rules"), folder.resolve("detect")),
                    "the detector's configuration",
                    DetectConfig.class)));
    Ingest ingest =
        resources.add(
            "ingest",
            Ingest.start(ConfigFile.parse(common, "ingest's configuration", IngestConfig.class)));
    awaitReady(responder.httpUri());
    awaitReady(detect.httpUri());
    awaitReady(ingest.httpUri());
    return new Pipeline(kafka, ingest.httpUri());
  }

  private static void awaitReady(URI daemon) throws Exception {
    URI ready = daemon.resolve("/readyz");
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(ready).timeout(Duration.ofSeconds(5)).build();
      boolean up =
          Pace.await(
              READY,
              () -> {
                try {
                  return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode()
                      == 200;
                } catch (IOException e) {
                  return false;
                }
              });
      if (!up) {
        throw new IllegalStateException(ready + " does not answer 200 within " + READY);
      }
    }
  }
}
