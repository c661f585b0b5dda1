package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshward.daemon.ConfigFile;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.TopicCatalogue;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IngestTest {
  private static final AtomicInteger prefixes = new AtomicInteger();
  private static Broker broker;

  private final HttpPoster poster = new HttpPoster();
  private KafkaFixture kafka;
  private Ingest ingest;

  @BeforeAll
  static void startBroker() {
    broker = Brokers.start();
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @BeforeEach
  void start() throws Exception {
    kafka =
        new KafkaFixture(broker.bootstrapServers(), "test-" + prefixes.incrementAndGet())
            .createTopics();
    ingest =
        Ingest.start(
            ConfigFile.parse(
                """
                cluster: local
                kafka: {bootstrap-servers: "%s", prefix: %s}
                http: {address: "127.0.0.1:0"}
                acknowledge-within: 20s
                """
                    .formatted(broker.bootstrapServers(), kafka.config.prefix()),
                "test",
                IngestConfig.class));
  }

  @AfterEach
  void close() {
    ingest.close();
    poster.close();
  }

  private URI uri(String path) {
    return ingest.httpUri().resolve(path);
  }

  private HttpPoster.Answer post(String path, String body) throws Exception {
    return poster.post(uri(path), body);
  }

  private static String alert(String rule, int number) {
    return "{\"rule\":\"%s\",\"priority\":\"Notice\",\"time\":\"2026-01-02T03:04:05.%09dZ\",\"output\":\"o\"}"
        .formatted(rule, number);
  }

  @Test
  void answersOneAlertOnceItIsOnTheTopic() throws Exception {
    HttpPoster.Answer root = post("/", alert("a", 1));
    HttpPoster.Answer versioned = post("/v1/falco", alert("a", 2));
    assertThat(root.status()).isEqualTo(200);
    assertThat(versioned.status()).isEqualTo(202);
    List<Envelope<FalcoAlert>> alerts = kafka.alerts();
    assertThat(alerts)
        .extracting(Envelope::id)
        .containsExactlyInAnyOrder(
            root.json().get("id").textValue(), versioned.json().get("id").textValue());
    assertThat(alerts)
        .allSatisfy(
            envelope -> {
              assertThat(envelope.source()).isEqualTo("//local/ingest");
              assertThat(envelope.time()).isEqualTo(envelope.data().falco().time());
            });
  }

  @Test
  void keysByPodAndStampsWithTheWallClock() throws Exception {
    Instant before = Instant.now().minusSeconds(1);
    post(
        "/",
        """
        {"rule":"a","priority":"Notice","time":"2020-01-01T00:00:00Z",
         "output_fields":{"k8s.ns.name":"shop","k8s.pod.name":"web-1"}}\
        """);
    ConsumerRecord<byte[], byte[]> record = kafka.records(TopicCatalogue.EVENTS_FALCO).getFirst();
    assertThat(new String(record.key(), UTF_8)).isEqualTo("local/shop/web-1");
    assertThat(Instant.ofEpochMilli(record.timestamp())).isAfter(before);
  }

  @Test
  void writesAnAlertThatIsPostedTwiceOnce() throws Exception {
    String first = post("/", alert("a", 1)).json().get("id").textValue();
    HttpPoster.Answer again = post("/v1/falco", alert("a", 1));
    assertThat(again.status()).isEqualTo(202);
    assertThat(again.json().get("id").textValue()).isEqualTo(first);
    HttpPoster.Answer batch = post("/", "[" + alert("a", 1) + "," + alert("a", 1) + "]");
    assertThat(batch.json().get("accepted").intValue()).isEqualTo(2);
    assertThat(kafka.alerts()).hasSize(1);
  }

  @Test
  void ignoresTheContentType() throws Exception {
    for (String type : List.of("text/plain", "application/x-ndjson", "nonsense")) {
      assertThat(
              poster
                  .post(
                      uri("/"),
                      HttpRequest.BodyPublishers.ofString(alert(type, 1)),
                      Map.of("Content-Type", type))
                  .status())
          .isEqualTo(200);
    }
  }

  @Test
  void namesTheFieldOfAMalformedAlertAndKeepsItsBytes() throws Exception {
    String body = "{\"rule\":\"a\",\"priority\":\"Severe\",\"time\":\"2026-01-02T03:04:05Z\"}";
    HttpPoster.Answer answer = post("/", body);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.headers().get("content-type")).isEqualTo("application/problem+json");
    assertThat(answer.json().get("status").intValue()).isEqualTo(400);
    assertThat(answer.json().get("title").textValue()).isEqualTo("Bad Request");
    assertThat(answer.json().get("code").textValue()).isEqualTo("invalid_alert");
    assertThat(answer.json().get("field").textValue()).isEqualTo("priority");
    assertThat(answer.json().get("detail").textValue())
        .startsWith("priority is 'Severe': expected");

    DeadLetter letter = kafka.deadLetters(1).getFirst().data();
    assertThat(letter.letter().stage()).isEqualTo("ingest");
    assertThat(letter.letter().cause()).isEqualTo("invalid_alert");
    assertThat(letter.origin().sender()).isEqualTo("127.0.0.1");
    assertThat(new String(letter.payload().bytes(), UTF_8)).isEqualTo(body);
    assertThat(kafka.alerts()).isEmpty();
  }

  @Test
  void refusesTextThatIsNoJson() throws Exception {
    HttpPoster.Answer answer = post("/v1/falco", "23:39:44.834631763: Notice A shell was spawned");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().get("code").textValue()).isEqualTo("malformed_json");
    assertThat(answer.json().get("field").textValue()).isEqualTo("body");
    assertThat(post("/", "").status()).isEqualTo(400);
    assertThat(kafka.deadLetters(2))
        .extracting(letter -> letter.data().letter().cause())
        .containsOnly("malformed_json");
  }

  @Test
  void goesOnWithTheNeighboursOfAMalformedAlert() throws Exception {
    for (String path : List.of("/", "/v1/falco")) {
      for (String batch : List.of("[%s,%s,%s]", "%s\n%s\n%s\n")) {
        String rule = path + batch.charAt(0);
        HttpPoster.Answer answer =
            post(path, batch.formatted(alert(rule, 1), "{\"rule\":\"x\"", alert(rule, 3)));
        // An array ends only where its brackets do, so the broken item takes the one behind along.
        int accepted = batch.startsWith("[") ? 1 : 2;
        assertThat(answer.status()).as(batch).isEqualTo(202);
        assertThat(answer.json().get("accepted").intValue()).as(batch).isEqualTo(accepted);
        assertThat(answer.json().at("/results/0/status").intValue()).isEqualTo(202);
        assertThat(answer.json().at("/results/0/id").textValue()).hasSize(64);
        assertThat(answer.json().at("/results/1/status").intValue()).isEqualTo(400);
      }
    }
    HttpPoster.Answer answer =
        post("/", "[" + alert("b", 1) + ",{\"rule\":5},7," + alert("b", 2) + "]");
    assertThat(answer.status()).isEqualTo(202);
    assertThat(answer.json().get("accepted").intValue()).isEqualTo(2);
    assertThat(answer.json().get("rejected").intValue()).isEqualTo(2);
    assertThat(answer.json().at("/results/1/field").textValue()).isEqualTo("rule");
    assertThat(answer.json().at("/results/2/index").intValue()).isEqualTo(2);
    assertThat(answer.json().at("/results/2/code").textValue()).isEqualTo("malformed_json");
    assertThat(answer.json().at("/results/3/status").intValue()).isEqualTo(202);
    assertThat(kafka.deadLetters(6))
        .extracting(letter -> new String(letter.data().payload().bytes(), UTF_8))
        .contains("{\"rule\":5}", "7", "{\"rule\":\"x\"");
  }

  @Test
  void refusesABatchOnlyIfNothingInItIsAnAlert() throws Exception {
    HttpPoster.Answer answer = post("/v1/falco", "[{\"rule\":\"a\"},{}]");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().get("field").textValue()).isEqualTo("priority");
    assertThat(answer.json().at("/results/1/field").textValue()).isEqualTo("rule");
    DeadLetter letter = kafka.deadLetters(1).getFirst().data();
    assertThat(new String(letter.payload().bytes(), UTF_8)).isEqualTo("[{\"rule\":\"a\"},{}]");
    assertThat(post("/", "[]").status()).isEqualTo(400);
  }

  @Test
  void refusesABodyThatIsTooLargeAndKeepsItsBeginning() throws Exception {
    String large = alert("x".repeat(1024 * 1024), 1);
    assertThat(post("/", large).status()).isEqualTo(413);
    DeadLetter letter = kafka.deadLetters(1).getFirst().data();
    assertThat(letter.letter().cause()).isEqualTo("too_large");
    assertThat(new String(letter.payload().bytes(), UTF_8)).startsWith("{\"rule\":\"xxx");
    assertThat(kafka.alerts()).isEmpty();
  }

  @Test
  void acceptsTheLargestAlertThatFits() throws Exception {
    String small = alert("", 1);
    String largest = alert("x".repeat(EventCodec.MAX_DOCUMENT_BYTES - small.length() - 150), 1);
    assertThat(post("/", largest).status()).isEqualTo(200);
    assertThat(kafka.alerts()).hasSize(1);
  }

  @Test
  void servesNothingElse() throws Exception {
    assertThat(poster.get(uri("/")).status()).isEqualTo(405);
    assertThat(poster.get(uri("/")).headers().get("allow")).isEqualTo("POST");
    assertThat(post("/v2/falco", alert("a", 1)).status()).isEqualTo(404);
    assertThat(post("/healthz", "").status()).isEqualTo(405);
  }

  @Test
  void refusesPagesInABrowserOnThisMachine() throws Exception {
    HttpPoster.Answer answer =
        poster.post(
            uri("/"),
            HttpRequest.BodyPublishers.ofString(alert("a", 1)),
            Map.of("Origin", "https://evil.example.org"));
    assertThat(answer.status()).isEqualTo(403);
    assertThat(kafka.alerts()).isEmpty();
  }

  @Test
  void tellsWhatItDid() throws Exception {
    post("/", alert("a", 1));
    post("/", "{}");
    String metrics = poster.text(uri("/metrics"));
    assertThat(metrics)
        .contains("meshward_ingest_events_total{outcome=\"accepted\",source=\"falco\"} 1.0")
        .contains("meshward_ingest_events_total{outcome=\"rejected\",source=\"falco\"} 1.0")
        .contains("meshward_ingest_rejected_total{reason=\"invalid_alert\"} 1.0")
        .contains("meshward_ingest_publish_seconds_count 1")
        .contains("meshward_ingest_in_flight_bytes 0.0")
        .contains("meshward_ingest_remembered_alerts ")
        .contains("meshward_pipeline_dead_letters_waiting{stage=\"ingest\"} ")
        .contains("meshward_http_requests_total{route=\"/\",status=\"200\"} 1.0");
    assertThat(poster.get(uri("/healthz")).status()).isEqualTo(200);
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (poster.get(uri("/readyz")).status() != 200) {
      assertThat(System.nanoTime()).as("not ready").isLessThan(end);
    }
  }

  @Test
  void writesABatchOfThousandsAtOnce() throws Exception {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 4000; i++) {
      lines.append(alert("a", i)).append('\n');
    }
    HttpPoster.Answer answer = post("/", lines.toString());
    assertThat(answer.json().get("accepted").intValue()).isEqualTo(4000);
    Set<String> ids = new HashSet<>();
    kafka.alerts().forEach(envelope -> ids.add(envelope.id()));
    assertThat(ids).hasSize(4000);
  }

  /** Alerts as Falco and forwarders post them, written by others. */
  @Test
  void acceptsEveryAlertOfTheCases() throws Exception {
    String cases = System.getenv("MESHWARD_TEST_CASES");
    assumeTrue(
        cases != null, "set MESHWARD_TEST_CASES to the folder that holds falco-alerts.jsonl");
    List<String> lines = Files.readAllLines(Path.of(cases, "falco-alerts.jsonl"));
    List<String> ids = new ArrayList<>();
    for (String path : List.of("/", "/v1/falco")) {
      for (String line : lines) {
        HttpPoster.Answer answer = post(path, line);
        assertThat(answer.status()).as(line).isBetween(200, 202);
        ids.add(answer.json().get("id").textValue());
      }
    }
    assertThat(post("/", String.join("\n", lines)).json().get("accepted").intValue())
        .isEqualTo(lines.size());
    assertThat(post("/", "[" + String.join(",\n", lines) + "]").json().get("accepted").intValue())
        .isEqualTo(lines.size());
    List<Envelope<FalcoAlert>> alerts = kafka.alerts();
    assertThat(alerts).extracting(Envelope::id).doesNotHaveDuplicates();
    assertThat(alerts)
        .extracting(Envelope::id)
        .containsExactlyInAnyOrderElementsOf(new HashSet<>(ids));
    assertThat(kafka.records(TopicCatalogue.DEADLETTER)).isEmpty();
  }
}
