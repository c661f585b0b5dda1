package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.KafkaConfig;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.embedded.JavaProcess;
import io.meshward.runtime.KafkaSettings;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
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
      - rule: Elsewhere
        desc: a handshake from an address
        source: tls.handshake
        condition: peer.ip = 192.0.2.7
        output: "%peer.id from %peer.ip"
        priority: Critical
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
      Pipeline.await("it says that it is ready", () -> get(detect, "/readyz").statusCode() == 200);
      assertThat(get(detect, "/metrics").body())
          .contains("meshward_detect_detections_total{rule=\"Burst\"} 1.0");
    }
  }

  @Test
  void goesOnWhereItWasClosed() throws Exception {
    try (Pipeline pipeline = new Pipeline(broker, directory, RULES)) {
      Pipeline.Reader detections = pipeline.reader(TopicCatalogue.DETECTIONS);
      Instant time = Instant.now().minusSeconds(5);
      try (Detect first = pipeline.start()) {
        Pipeline.awaitReady(first);
        send(pipeline, "fetch-0", "a", time, "fetch");
        send(pipeline, "fetch-1", "a", time.plusMillis(1), "fetch");
        send(pipeline, "mark", "a", time, "bash");
        detections.await(1);
      }
      send(pipeline, "fetch-1", "a", time.plusMillis(1), "fetch");
      send(pipeline, "mark", "a", time, "bash");
      try (Detect second = pipeline.start()) {
        Pipeline.awaitReady(second);
        send(pipeline, "fetch-2", "a", time.plusMillis(2), "fetch");
        detections.await(2);
        send(pipeline, "last", "a", time, "bash");
        assertThat(detections.awaitDetections(3))
            .extracting(envelope -> envelope.data().detection().anchor())
            .containsExactlyInAnyOrder("mark", "fetch-2", "last");
      }
    }
  }

  /** A process is killed in the midst of its work; what it detects is what it would have. */
  @Test
  void killedItLosesNothingAndRepeatsNothing() throws Exception {
    List<Envelope<FalcoAlert>> alerts = alerts(120);
    try (Pipeline killed = new Pipeline(broker, directory.resolve("killed"), RULES);
        Pipeline calm = new Pipeline(broker, directory.resolve("calm"), RULES)) {
      Pipeline.Reader detections = killed.reader(TopicCatalogue.DETECTIONS);
      int third = alerts.size() / 3;
      JavaProcess process = DetectProcess.start(killed);
      send(killed, alerts.subList(0, third));
      detections.await(1);
      send(killed, alerts.subList(third, 2 * third));
      process.kill();
      send(killed, alerts.subList(2 * third, alerts.size()));
      process = DetectProcess.start(killed);

      List<String> expected;
      try (Detect unharmed = calm.start()) {
        Pipeline.awaitReady(unharmed);
        send(calm, alerts);
        // Of each pod's fetches every third completes a window; of the shells each is detected.
        expected = ids(calm.reader(TopicCatalogue.DETECTIONS).awaitDetections(30 + 30));
      }
      List<String> actual = ids(detections.awaitDetections(expected.size()));
      process.close();
      assertThat(actual).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(expected);
    }
  }

  @Test
  void poisonOnAnyTopicIsParkedAndTheStreamGoesOn() throws Exception {
    try (Pipeline pipeline = new Pipeline(broker, directory, RULES);
        Detect detect = pipeline.start()) {
      Pipeline.Reader letters = pipeline.reader(TopicCatalogue.DEADLETTER);
      List<Topic> topics =
          List.of(
              TopicCatalogue.EVENTS_IDENTITY,
              TopicCatalogue.EVENTS_FALCO,
              TopicCatalogue.FACTS,
              TopicCatalogue.INVENTORY);
      byte[] poison = "{\"half\":".repeat(10_000).getBytes(UTF_8);
      for (Topic topic : topics) {
        String name = pipeline.kafka().topic(topic);
        pipeline.sendRaw(new ProducerRecord<>(name, 0, "k".getBytes(UTF_8), poison));
      }
      assertThat(letters.await(topics.size()))
          .allSatisfy(
              record -> {
                DeadLetter letter = CloudEvents.fromRecord(record, DeadLetter.class).data();
                assertThat(letter.letter().stage()).isEqualTo("detect");
                assertThat(letter.letter().cause()).isEqualTo(Parking.MALFORMED);
                assertThat(letter.origin().partition()).isZero();
                assertThat(letter.payload().size()).isEqualTo(poison.length);
                assertThat(letter.payload().bytes()).hasSize(DeadLetter.MAX_PAYLOAD_BYTES);
              })
          .extracting(
              record -> CloudEvents.fromRecord(record, DeadLetter.class).data().origin().topic())
          .containsExactlyInAnyOrderElementsOf(
              topics.stream().map(pipeline.kafka()::topic).toList());
      ProducerRecord<byte[], byte[]> whole =
          CloudEvents.toRecord(
              pipeline.kafka().topic(TopicCatalogue.EVENTS_FALCO),
              "k",
              alert("empty", "a", Instant.now(), "bash"));
      pipeline.sendRaw(
          new ProducerRecord<>(
              whole.topic(), 0, whole.key(), "{}".getBytes(UTF_8), whole.headers()));
      DeadLetter empty =
          CloudEvents.fromRecord(letters.await(topics.size() + 1).getLast(), DeadLetter.class)
              .data();
      assertThat(empty.letter().detail()).isEqualTo("falco.alert at falco: it is missing");
      send(pipeline, "shell", "a", Instant.now(), "bash");
      pipeline.reader(TopicCatalogue.DETECTIONS).await(1);
      Pipeline.awaitReady(detect);
    }
  }

  @Test
  void aForgedHandshakeIsParkedAndWhoWasHeldBeforeTheStartIsNotBelieved() throws Exception {
    try (TestMesh mesh = TestMesh.start("example.org");
        Pipeline pipeline = new Pipeline(broker, directory, RULES)) {
      Instant now = Instant.now();
      Subject held = Subject.of(Events.id("auth-proxy"));
      pipeline.sendRaw(
          CloudEvents.toRecord(
              pipeline.kafka().topic(TopicCatalogue.QUARANTINE),
              new QuarantineKey(held, "c-1").toString(),
              new Envelope<>(
                  "q-1",
                  "//demo/responder",
                  now,
                  new Quarantine(
                      new Quarantine.Hold("c-1", "stolen SVID", "responder", now, null, null),
                      held))));
      try (Detect detect =
          Detect.start(
              pipeline.config(
                  Map.of(KafkaSettings.WORKLOAD_API, mesh.addressFor("/ns/meshward/sa/detect"))))) {
        Pipeline.Reader detections = pipeline.reader(TopicCatalogue.DETECTIONS);
        Pipeline.Reader letters = pipeline.reader(TopicCatalogue.DEADLETTER);

        report(pipeline, mesh, "h-1", "payment", "frontend");
        report(pipeline, mesh, "h-1", "payment", "payment");
        report(pipeline, mesh, "h-2", "auth-proxy", "auth-proxy");

        String topic = pipeline.kafka().topic(TopicCatalogue.EVENTS_IDENTITY);
        assertThat(detections.awaitDetections(2))
            .flatExtracting(detection -> detection.data().evidence())
            .containsExactlyInAnyOrder(
                new EvidenceRef(topic, 0, 1, "h-1", EvidenceRef.Signature.VALID, null),
                new EvidenceRef(
                    topic, 0, 2, "h-2", EvidenceRef.Signature.UNVERIFIED, "quarantined"));
        DeadLetter letter =
            CloudEvents.fromRecord(letters.await(1).getFirst(), DeadLetter.class).data();
        assertThat(letter.letter().cause()).isEqualTo(Parking.FORGED);
        assertThat(letter.letter().detail()).contains("signed by").contains("/sa/frontend");
        assertThat(letter.origin().offset()).isZero();
        Pipeline.await("detection is ready", detect::isReady);
      }
    }
  }

  private static void report(
      Pipeline pipeline, TestMesh mesh, String id, String reporter, String signer)
      throws Exception {
    IssuedSvid svid = mesh.trustDomain().issue(Events.id(signer));
    Instant now = Instant.now();
    Envelope<TlsHandshake> handshake =
        Events.handshake(id, now, reporter, Events.id("orders"), "192.0.2.7");
    pipeline.sendRaw(
        new ProducerRecord<>(
            pipeline.kafka().topic(TopicCatalogue.EVENTS_IDENTITY),
            0,
            "k".getBytes(UTF_8),
            EventCodec.encode(handshake.data()),
            Signing.headers(handshake, svid, now)));
  }

  @Test
  void waitsForItsTopicsAndSaysSo() throws Exception {
    try (Pipeline pipeline = new Pipeline(broker, directory, RULES)) {
      DetectConfig config = pipeline.config();
      DetectConfig elsewhere =
          new DetectConfig(
              new KafkaConfig(broker.bootstrapServers(), "no-topics-here", Map.of()),
              config.http(),
              config.cluster(),
              config.rules(),
              config.stateDirectory(),
              config.threads(),
              config.timing(),
              config.limits());
      try (Detect detect = Detect.start(elsewhere)) {
        Pipeline.await(
            "it says that a topic is missing",
            () -> {
              HttpResponse<String> ready = get(detect, "/readyz");
              return ready.statusCode() == 503 && ready.body().contains("topics apply");
            });
      }
    }
  }

  @Test
  void doesNotStartWithInvalidRules() throws Exception {
    try (Pipeline pipeline = new Pipeline(broker, directory, RULES)) {
      Files.writeString(directory.resolve("rules/bad.yaml"), "- rule: x\n");
      assertThatThrownBy(() -> Detect.start(pipeline.config()))
          .isInstanceOf(RulesRejectedException.class)
          .hasMessageContaining("bad.yaml");
    }
  }

  /** Fetches and shells of three pods, in turn. */
  private static List<Envelope<FalcoAlert>> alerts(int count) {
    Instant start = Instant.now().minusSeconds(30);
    List<Envelope<FalcoAlert>> alerts = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      String program = n % 4 == 0 ? "bash" : "fetch";
      alerts.add(alert("e-" + n, "pod-" + n / 4 % 3, start.plusMillis(10L * n), program));
    }
    return alerts;
  }

  private static List<String> ids(List<Envelope<Detection>> detections) {
    return detections.stream().map(Envelope::id).toList();
  }

  private static void send(Pipeline pipeline, List<Envelope<FalcoAlert>> alerts) throws Exception {
    for (Envelope<FalcoAlert> alert : alerts) {
      pipeline.sendAsync(alert, "demo/shop/" + alert.data().k8s().pod());
    }
    pipeline.flush();
  }

  private static void send(Pipeline pipeline, String id, String pod, Instant time, String program)
      throws Exception {
    send(pipeline, List.of(alert(id, pod, time, program)));
  }

  private static Envelope<FalcoAlert> alert(String id, String pod, Instant time, String program) {
    return Events.alert(id, time, pod, Map.of("proc.name", program, "k8s.pod.name", pod));
  }

  private static HttpResponse<String> get(Detect detect, String path) {
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI uri = detect.httpUri().resolve(path);
      return client.send(
          HttpRequest.newBuilder(uri).timeout(Pipeline.PATIENCE).build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
