package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpServerTest {
  /** Longer than {@link RawHttp} waits for anything: what these ended would fail a test. */
  private static final Duration LONG = Duration.ofMinutes(1);

  private final Health health = new Health();
  private final Metrics metrics = new Metrics();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final CountDownLatch release = new CountDownLatch(1);
  private final Queue<Boolean> virtual = new ConcurrentLinkedQueue<>();
  private final HttpServer server = start(LONG, LONG, metrics);

  private HttpServer start(Duration queue, Duration request, Metrics metrics) {
    HttpLimits limits = new HttpLimits(new ByteSize(1000), 8, 2, queue, request, LONG);
    return HttpServer.builder(
            "test", new HttpConfig(HostPort.parse("127.0.0.1:0"), null, limits), health, metrics)
        .route("POST", "/echo", call -> HttpReply.json(200, Map.of("length", call.body().length)))
        .route("POST", "/closed", call -> HttpReply.problem(new Problem(401, "no", "not you")))
        .route(
            "GET",
            "/slow",
            call -> {
              virtual.add(Thread.currentThread().isVirtual());
              release.await(20, TimeUnit.SECONDS);
              return HttpReply.json(200, Map.of());
            })
        .route(
            "GET",
            "/broken",
            call -> {
              throw new IllegalStateException("secret detail");
            })
        .start();
  }

  @AfterEach
  void close() {
    release.countDown();
    server.close();
    metrics.close();
    client.close();
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return send(server, method, path, body).get();
  }

  private CompletableFuture<HttpResponse<String>> send(
      HttpServer server, String method, String path, String body) {
    HttpRequest request =
        HttpRequest.newBuilder(server.uri().resolve(path))
            .timeout(Duration.ofSeconds(20))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    return client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> response) throws Exception {
    return new ObjectMapper().readTree(response.body());
  }

  private RawHttp raw() throws Exception {
    return new RawHttp(server.uri());
  }

  @Test
  void answersRoutesAndRefusesTheRestWithProblems() throws Exception {
    assertThat(json(send("POST", "/echo", "12345")).get("length").intValue()).isEqualTo(5);

    HttpResponse<String> unknown = send("POST", "/nowhere", "x");
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(unknown.headers().firstValue("content-type")).contains("application/problem+json");
    assertThat(json(unknown).get("title").textValue()).isEqualTo("Not Found");

    HttpResponse<String> wrong = send("GET", "/echo", "");
    assertThat(wrong.statusCode()).isEqualTo(405);
    assertThat(wrong.headers().firstValue("allow")).contains("POST");
    assertThat(send("HEAD", "/echo", "").statusCode()).isEqualTo(405);

    HttpResponse<String> broken = send("GET", "/broken", "");
    assertThat(broken.statusCode()).isEqualTo(500);
    assertThat(broken.body()).doesNotContain("secret detail");
  }

  @Test
  void tellsLivenessReadinessAndMetrics() throws Exception {
    Health.Check kafka = health.check("kafka");
    assertThat(send("GET", "/healthz", "").statusCode()).isEqualTo(200);
    HttpResponse<String> starting = send("GET", "/readyz", "");
    assertThat(starting.statusCode()).isEqualTo(503);
    assertThat(json(starting).at("/checks/kafka").textValue()).isEqualTo("starting");
    kafka.pass();
    assertThat(send("GET", "/readyz", "").statusCode()).isEqualTo(200);
    kafka.fail("no broker answers");
    assertThat(json(send("GET", "/readyz", "")).at("/checks/kafka").textValue())
        .isEqualTo("no broker answers");
    health.fatal("the stream died");
    assertThat(json(send("GET", "/healthz", "")).get("reason").textValue())
        .isEqualTo("the stream died");

    assertThat(send("POST", "/metrics", "").statusCode()).isEqualTo(405);
    send("POST", "/echo", "x");
    assertThat(send("GET", "/metrics", "").body())
        .contains("meshward_http_requests_total{route=\"/echo\",status=\"200\"} 1.0");
  }

  @Test
  void refusesLargeBodiesHoweverTheyAreAnnounced() throws Exception {
    assertThat(send("POST", "/echo", "x".repeat(1000)).statusCode()).isEqualTo(200);
    HttpResponse<String> large = send("POST", "/echo", "x".repeat(1001));
    assertThat(large.statusCode()).isEqualTo(413);
    assertThat(json(large).get("detail").textValue()).contains("at most 1000 bytes");

    try (RawHttp raw = raw()) {
      String chunk = "fa\r\n" + "x".repeat(250) + "\r\n";
      raw.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      raw.send(chunk.repeat(5) + "0\r\n\r\n");
      assertThat(raw.readResponse()).startsWith("HTTP/1.1 413 ");
    }
  }

  @Test
  void continuesOnlyWhenItWantsTheBody() throws Exception {
    try (RawHttp raw = raw()) {
      raw.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
      assertThat(raw.readResponse()).startsWith("HTTP/1.1 100 ");
      raw.send("abc");
      assertThat(raw.readResponse()).startsWith("HTTP/1.1 200 ").contains("{\"length\":3}");
    }
    for (String request :
        List.of(
            "/echo HTTP/1.1\r\nContent-Length: 9999", "/closed HTTP/1.1\r\nContent-Length: 3")) {
      try (RawHttp raw = raw()) {
        raw.send("POST " + request + "\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
        assertThat(raw.readResponse()).matches("(?s)HTTP/1.1 (413|401) .*");
      }
    }
  }

  @Test
  void keepsTheConnectionOfAClientThatItRefusesBeforeTheBodyCame() throws Exception {
    for (String path : List.of("/closed", "/nowhere", "/slow")) {
      try (RawHttp raw = raw()) {
        raw.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
        raw.send("x".repeat(200));
        raw.send("x".repeat(300));
        assertThat(raw.readResponse()).matches("(?s)HTTP/1.1 (401|404|405) .*");
        raw.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        assertThat(raw.readResponse()).contains("{\"length\":3}");
      }
    }
  }

  @Test
  void saysThatItClosesTheConnectionWhereTheBodyDoesNotComeOrDoesNotEnd() throws Exception {
    try (Metrics own = new Metrics();
        HttpServer hasty = start(LONG, Duration.ofSeconds(5), own)) {
      for (String length : List.of("500", "100000")) {
        try (RawHttp raw = new RawHttp(hasty.uri())) {
          raw.send(
              "POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: "
                  + length
                  + "\r\n\r\n"
                  + "x".repeat(length.equals("500") ? 200 : 1500));
          assertThat(raw.readAll().toLowerCase(Locale.ROOT))
              .startsWith("http/1.1 401 ")
              .contains("connection: close");
        }
      }
    }
  }

  @Test
  void toleratesTheHeadersOfACompressingClient() throws Exception {
    try (RawHttp raw = raw()) {
      raw.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nTE: gzip\r\nConnection: TE\r\n"
              + "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc");
      assertThat(raw.readResponse()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void answersBrokenRequestsWithProblems() throws Exception {
    try (RawHttp raw = raw()) {
      raw.send("GARBAGE\r\n\r\n");
      assertThat(raw.readAll()).startsWith("HTTP/1.1 400 ").contains("problem+json");
    }
    try (RawHttp raw = raw()) {
      raw.send("POST /echo HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(20_000) + "\r\n\r\n");
      assertThat(raw.readAll()).startsWith("HTTP/1.1 431 ").contains("problem+json");
    }
  }

  @Test
  void endsRequestsThatTrickleIn() throws Exception {
    try (Metrics own = new Metrics();
        HttpServer hasty = start(LONG, Duration.ofMillis(1500), own);
        RawHttp headers = new RawHttp(hasty.uri());
        RawHttp body = new RawHttp(hasty.uri());
        RawHttp patient = new RawHttp(hasty.uri())) {
      patient.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
      headers.send("POST /echo HTTP/1.1\r\n");
      Thread drip =
          Thread.startVirtualThread(
              () -> {
                try {
                  for (int i = 0; i < 5; i++) {
                    headers.send("X-A: b\r\n");
                    body.send("x");
                    Thread.sleep(100);
                  }
                  while (true) {
                    headers.send("X-A: b\r\n");
                    Thread.sleep(100);
                  }
                } catch (Exception e) {
                  // Cut off, as it should be.
                }
              });
      assertThat(body.readAll()).startsWith("HTTP/1.1 408 ").contains("did not come within 1500ms");
      assertThat(headers.readAll()).isEmpty();
      assertThat(drip.join(Duration.ofSeconds(10))).isTrue();
      release.countDown();
      assertThat(patient.readResponse()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void refusesWhatItCannotWorkOnButStaysObservable() throws Exception {
    List<HttpResponse<String>> refused = new ArrayList<>();
    int served = 0;
    try (Metrics own = new Metrics();
        HttpServer hasty = start(Duration.ofMillis(300), LONG, own)) {
      List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        answers.add(send(hasty, "GET", "/slow", ""));
      }
      // Two are at work; two wait in vain; two are refused at once.
      await(() -> answers.stream().filter(CompletableFuture::isDone).count() == 4);
      assertThat(send(hasty, "GET", "/healthz", "").get().statusCode()).isEqualTo(200);
      await(() -> own.scrape().contains("meshward_http_requests_at_work 2.0"));
      await(() -> own.scrape().contains("meshward_http_requests_waiting 0.0"));
      release.countDown();
      for (var answer : answers) {
        HttpResponse<String> response = answer.get(20, TimeUnit.SECONDS);
        if (response.statusCode() == 200) {
          served++;
        } else {
          refused.add(response);
        }
      }
    }
    assertThat(served).isEqualTo(2);
    assertThat(refused)
        .hasSize(4)
        .allSatisfy(
            response -> {
              assertThat(response.statusCode()).isEqualTo(503);
              assertThat(response.headers().firstValue("retry-after")).contains("1");
              assertThat(json(response).get("code").textValue()).isEqualTo("service_unavailable");
            });
    assertThat(virtual).containsOnly(true);
  }

  @Test
  void servesWaitingRequestsOnVirtualThreads() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(send(server, "GET", "/slow", ""));
    }
    await(() -> metrics.scrape().contains("meshward_http_requests_waiting 2.0"));
    await(() -> virtual.size() == 2);
    release.countDown();
    for (var answer : answers) {
      assertThat(answer.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(virtual).hasSize(4).containsOnly(true);
  }

  @Test
  void hasFurtherConnectionsWaitUntilASilentOneMakesRoom() throws Exception {
    List<RawHttp> connections = new ArrayList<>();
    connections.add(raw().send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    await(() -> !virtual.isEmpty());
    long start = System.nanoTime();
    for (int i = 1; i < 8; i++) {
      connections.add(raw());
    }
    // They are accepted in turn: this one when a silent one has left, after a second.
    try (RawHttp late = raw()) {
      late.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assertThat(late.readAll()).startsWith("HTTP/1.1 200 ");
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(800));
    release.countDown();
    assertThat(connections.getFirst().readResponse()).startsWith("HTTP/1.1 200 ");
    for (RawHttp connection : connections) {
      connection.close();
    }
  }

  @Test
  void letsRequestsAtWorkEndWhenItCloses() throws Exception {
    CompletableFuture<HttpResponse<String>> answer = send(server, "GET", "/slow", "");
    await(() -> !virtual.isEmpty());
    Thread closing = Thread.startVirtualThread(server::close);
    await(() -> refusesConnections(server.uri()));
    release.countDown();
    assertThat(answer.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertThat(closing.join(Duration.ofSeconds(10))).isTrue();
  }

  @Test
  void saysWhereItCannotListen() {
    int port = server.uri().getPort();
    assertThatThrownBy(
            () ->
                HttpServer.builder(
                        "second",
                        HttpConfig.plain(new HostPort("127.0.0.1", port)),
                        new Health(),
                        new Metrics())
                    .start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cannot listen on 127.0.0.1:" + port);
  }

  private static boolean refusesConnections(URI uri) {
    try (RawHttp raw = new RawHttp(uri)) {
      return raw == null;
    } catch (Exception e) {
      return true;
    }
  }

  private static void await(BooleanSupplier condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(15).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      Thread.sleep(5);
    }
  }
}
