package io.meshward.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.ConfigFile;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.ForeignTls;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IngestAuthenticationTest {
  private static final String TOKEN = "0123456789abcdef-a-token";
  private static final SpiffeId INGEST = SpiffeId.parse("spiffe://example.org/ingest");
  private static final SpiffeId FALCO = SpiffeId.parse("spiffe://example.org/falco");
  private static final AtomicInteger prefixes = new AtomicInteger();
  private static final AtomicInteger numbers = new AtomicInteger();
  private static Broker broker;

  private final TestTrustDomain trustDomain = TestTrustDomain.create("example.org");
  private KafkaFixture kafka;

  @TempDir private Path folder;

  @BeforeAll
  static void startBroker() {
    broker = Brokers.start();
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @BeforeEach
  void createTopics() throws Exception {
    kafka =
        new KafkaFixture(broker.bootstrapServers(), "auth-" + prefixes.incrementAndGet())
            .createTopics();
  }

  private Ingest start(String more) {
    String required =
        """
        cluster: local
        kafka: {bootstrap-servers: "%s", prefix: %s}
        acknowledge-within: 20s
        """
            .formatted(broker.bootstrapServers(), kafka.config.prefix());
    return Ingest.start(ConfigFile.parse(required + more, "test", IngestConfig.class));
  }

  private Ingest startWithToken() throws Exception {
    Path file = Files.writeString(folder.resolve("token"), TOKEN + "\n");
    return start(
        "http: {address: '127.0.0.1:0'}\nauthentication: {bearer-token-file: " + file + "}");
  }

  private Ingest startWithTls(String authentication) throws Exception {
    PemFolder pem = new PemFolder(folder);
    pem.write(trustDomain.issue(INGEST), trustDomain);
    return start(
        """
        http:
          address: 0.0.0.0:0
          tls: {certificate: %s, key: %s, client-ca: %s}
        authentication: %s
        """
            .formatted(pem.certificate(), pem.key(), pem.authorities(), authentication));
  }

  private static HttpPoster.Answer post(HttpPoster poster, URI uri, Map<String, String> headers)
      throws Exception {
    String alert =
        "{\"rule\":\"r\",\"priority\":\"Notice\",\"time\":\"2026-01-02T03:04:05.%09dZ\"}"
            .formatted(numbers.incrementAndGet());
    return poster.post(uri.resolve("/"), HttpRequest.BodyPublishers.ofString(alert), headers);
  }

  private static Map<String, String> bearer(String token) {
    return Map.of("Authorization", "Bearer " + token);
  }

  private static HttpPoster tlsPoster(@Nullable IssuedSvid svid) throws Exception {
    return new HttpPoster(HttpClient.newBuilder().sslContext(ForeignTls.context(svid)));
  }

  @Test
  void takesAlertsOnlyWithTheTokenWhereOneIsConfigured() throws Exception {
    try (Ingest ingest = startWithToken();
        HttpPoster poster = new HttpPoster()) {
      URI uri = ingest.httpUri();
      for (Map<String, String> headers :
          List.of(
              Map.<String, String>of(),
              bearer("0123456789abcdef-a-tokem"),
              bearer(TOKEN + "x"),
              bearer(""),
              Map.of("Authorization", TOKEN),
              Map.of("Authorization", "Basic " + TOKEN))) {
        HttpPoster.Answer answer = post(poster, uri, headers);
        assertThat(answer.status()).as(headers.toString()).isEqualTo(401);
        assertThat(answer.headers().get("www-authenticate")).startsWith("Bearer");
        assertThat(answer.headers().get("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.json().toString()).doesNotContain(TOKEN);
      }
      assertThat(kafka.alerts()).isEmpty();
      assertThat(post(poster, uri, bearer(TOKEN)).status()).isEqualTo(200);
      assertThat(post(poster, uri, Map.of("Authorization", "bearer " + TOKEN)).status())
          .isEqualTo(200);
      assertThat(kafka.alerts()).hasSize(2);
      assertThat(poster.get(uri.resolve("/healthz")).status()).isEqualTo(200);
      assertThat(poster.text(uri.resolve("/metrics")))
          .contains("meshward_ingest_rejected_total{reason=\"unauthenticated\"} 6.0");
    }
  }

  @Test
  void followsTheTokenInItsFileAndKeepsTheLastGoodOne() throws Exception {
    try (Ingest ingest = startWithToken();
        HttpPoster poster = new HttpPoster()) {
      Files.writeString(folder.resolve("token"), "another-token-0123456789");
      await(
          () -> post(poster, ingest.httpUri(), bearer("another-token-0123456789")).status() == 200);
      assertThat(post(poster, ingest.httpUri(), bearer(TOKEN)).status()).isEqualTo(401);
      Files.writeString(folder.resolve("token"), "short");
      long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
      while (System.nanoTime() < end) {
        assertThat(post(poster, ingest.httpUri(), bearer("another-token-0123456789")).status())
            .isEqualTo(200);
        assertThat(post(poster, ingest.httpUri(), bearer("short")).status()).isEqualTo(401);
      }
    }
  }

  @Test
  void doesNotStartWithATokenThatCanBeGuessedOrIsNotThere() throws Exception {
    Files.writeString(folder.resolve("short"), "12345");
    assertThatThrownBy(
            () -> start("authentication: {bearer-token-file: " + folder.resolve("short") + "}"))
        .hasMessageContaining("has 5 characters: expected at least 16");
    assertThatThrownBy(
            () -> start("authentication: {bearer-token-file: " + folder.resolve("none") + "}"))
        .hasMessageContaining("cannot be read");
  }

  @Test
  void takesAlertsOnlyWithACertificateOfTheAuthorities() throws Exception {
    TestTrustDomain stranger = TestTrustDomain.create("example.org");
    try (Ingest ingest = startWithTls("{}");
        HttpPoster nobody = tlsPoster(null);
        HttpPoster falco = tlsPoster(trustDomain.issue(FALCO));
        HttpPoster thief = tlsPoster(stranger.issue(FALCO))) {
      assertThat(ingest.httpUri().getScheme()).isEqualTo("https");
      HttpPoster.Answer refused = post(nobody, ingest.httpUri(), Map.of());
      assertThat(refused.status()).isEqualTo(401);
      assertThat(refused.json().get("detail").textValue())
          .isEqualTo("nothing proves who posts: expected a client certificate");
      assertThat(post(nobody, ingest.httpUri(), bearer(TOKEN)).status()).isEqualTo(401);
      assertThatThrownBy(() -> post(thief, ingest.httpUri(), Map.of()))
          .isInstanceOf(IOException.class);
      assertThat(kafka.alerts()).isEmpty();
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
      assertThat(nobody.get(ingest.httpUri().resolve("/healthz")).status()).isEqualTo(200);
    }
  }

  @Test
  void takesAlertsOnlyOfTheNamedClientsOrWithTheToken() throws Exception {
    Path token = Files.writeString(folder.resolve("token"), TOKEN);
    try (Ingest ingest =
            startWithTls(
                "{clients: ['spiffe://example.org/falco'], bearer-token-file: " + token + "}");
        HttpPoster nobody = tlsPoster(null);
        HttpPoster falco = tlsPoster(trustDomain.issue(FALCO));
        HttpPoster other = tlsPoster(trustDomain.issue(INGEST))) {
      HttpPoster.Answer refused = post(other, ingest.httpUri(), Map.of());
      assertThat(refused.status()).isEqualTo(403);
      assertThat(refused.json().get("detail").textValue()).contains("spiffe://example.org/ingest");
      assertThat(post(nobody, ingest.httpUri(), Map.of()).status()).isEqualTo(401);
      assertThat(post(falco, ingest.httpUri(), bearer("wrong")).status()).isEqualTo(401);
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
      assertThat(post(nobody, ingest.httpUri(), bearer(TOKEN)).status()).isEqualTo(200);
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
      assertThat(poster400(falco, ingest)).isEqualTo(400);
      assertThat(kafka.deadLetters(1).getFirst().data().origin().sender())
          .isEqualTo("spiffe://example.org/falco");
    }
  }

  private static int poster400(HttpPoster poster, Ingest ingest) throws Exception {
    return poster.post(ingest.httpUri().resolve("/"), "{}").status();
  }

  @Test
  void showsItsNewCertificateWhenTheFilesChange() throws Exception {
    try (Ingest ingest = startWithTls("{}");
        HttpPoster falco = tlsPoster(trustDomain.issue(FALCO))) {
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
      IssuedSvid renewed = trustDomain.issue(INGEST);
      Path key = new PemFolder(folder).key();
      Files.writeString(key, "half of a");
      await(() -> falco.text(ingest.httpUri().resolve("/metrics")).contains("outcome=\"refused\""));
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
      new PemFolder(folder).write(renewed, trustDomain);
      await(() -> served(ingest.httpUri()).getSerialNumber().equals(renewed.serialNumber()));
      assertThat(post(falco, ingest.httpUri(), Map.of()).status()).isEqualTo(200);
    }
  }

  @Test
  void doesNotStartWithAKeyOfAnotherCertificate() throws Exception {
    PemFolder pem = new PemFolder(folder);
    pem.write(trustDomain.issue(INGEST), trustDomain);
    String key = Files.readString(pem.key());
    pem.write(trustDomain.issue(INGEST), trustDomain);
    Files.writeString(pem.key(), key);
    assertThatThrownBy(
            () ->
                start(
                    "http: {address: '127.0.0.1:0', tls: {certificate: %s, key: %s}}"
                        .formatted(pem.certificate(), pem.key())))
        .hasMessageContaining("is not the key of the first certificate in")
        .message()
        .doesNotContain(key);
  }

  private static X509Certificate served(URI uri) throws Exception {
    try (SSLSocket socket =
        (SSLSocket)
            ForeignTls.context(null).getSocketFactory().createSocket("localhost", uri.getPort())) {
      socket.setSoTimeout(10_000);
      socket.startHandshake();
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      Thread.sleep(20);
    }
  }
}
