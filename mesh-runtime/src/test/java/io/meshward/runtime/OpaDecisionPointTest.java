package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpaDecisionPointTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final String ALLOW =
      "{\"result\": true, \"decision_id\": \"d1\", \"provenance\": {\"bundles\": {\"authz\":"
          + " {\"revision\": \"r1\"}}}}";
  private static final Duration LONG = Duration.ofSeconds(10);

  private final FakeOpa opa = new FakeOpa();
  private final AtomicLong nanos = new AtomicLong();
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final List<OpaDecisionPoint> open = new ArrayList<>();

  @AfterEach
  void close() {
    open.forEach(OpaDecisionPoint::close);
    opa.close();
    executor.shutdownNow();
  }

  @Test
  void showsTheClaimsOfAVerifiedTokenWhereEnvoysFilterPutsThemAndAsksAgainForAnother()
      throws Exception {
    opa.answers(200, ALLOW);
    OpaDecisionPoint point = point(options().cachedFor(LONG));
    ConnectionFacts connection = Calls.of(Calls.FRONTEND, "/api/v1/transfer").connection();

    answer(
        point,
        withToken(connection, "one", Map.of("sub", "alice", "level", 3, "aud", List.of("a"))));
    answer(
        point,
        withToken(connection, "one", Map.of("sub", "alice", "level", 3, "aud", List.of("a"))));
    answer(point, withToken(connection, "two", Map.of("sub", "alice", "level", 4)));
    answer(point, withToken(connection, "", Map.of()));

    List<JsonNode> filters =
        opa.asked().stream()
            .map(asked -> asked.body().at("/input/attributes/metadataContext/filterMetadata"))
            .toList();
    assertThat(filters).hasSize(3);
    JsonNode claims = filters.get(0).path("envoy.filters.http.jwt_authn").path("verified_jwt");
    assertThat(claims.path("sub").asText()).isEqualTo("alice");
    assertThat(claims.path("level").asInt()).isEqualTo(3);
    assertThat(claims.at("/aud/0").asText()).isEqualTo("a");
    assertThat(filters.get(2).isMissingNode()).as("without a token").isTrue();
  }

  private static CallFacts withToken(
      ConnectionFacts connection, String hash, Map<String, Object> claims) {
    return Calls.of(
        connection,
        "/api/v1/transfer",
        new Metadata(),
        RiskSource.NONE,
        new TokenClaims() {
          @Override
          public List<String> texts(String claim) {
            return List.of();
          }

          @Override
          public Map<String, Object> all() {
            return claims;
          }

          @Override
          public String tokenHash() {
            return hash;
          }
        },
        Clock.systemUTC());
  }

  @Test
  void asksWithTheInputOfTheEnvoyPlugin() throws Exception {
    opa.answers(200, ALLOW);
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("x-tenant", Metadata.ASCII_STRING_MARSHALLER), "a");
    metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "secret");
    metadata.put(
        Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    OpaDecisionPoint point = point(options().headers("X-Tenant"));
    CallFacts call =
        Calls.of(Calls.FRONTEND, "/api/v1/transfer", metadata, id -> 0.25, TokenClaims.ABSENT);

    DecisionPoint.Answer answer = answer(point, call);

    assertThat(answer)
        .isEqualTo(
            new DecisionPoint.Answer(true, "opa", "opa:envoy/authz/allow", "r1", null, "d1"));
    FakeOpa.Asked asked = opa.asked().get(0);
    assertThat(asked.uri()).isEqualTo("/v1/data/envoy/authz/allow?provenance=true");
    assertThat(asked.traceparent())
        .isEqualTo("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assertThat(asked.body().toString()).doesNotContain("secret");
    JsonNode input = asked.body().path("input");
    assertThat(input.at("/attributes/source/principal").asText())
        .isEqualTo(Calls.FRONTEND.toString());
    assertThat(input.at("/attributes/source/address/socketAddress/address").asText())
        .isEqualTo("10.1.2.3");
    assertThat(input.at("/attributes/destination/principal").asText()).isEqualTo(ORDERS.toString());
    assertThat(input.at("/attributes/destination/address/socketAddress/portValue").asInt())
        .isEqualTo(8443);
    assertThat(input.at("/attributes/request/http/method").asText()).isEqualTo("POST");
    assertThat(input.at("/attributes/request/http/path").asText()).isEqualTo("/api/v1/transfer");
    assertThat(input.at("/attributes/request/http/headers").toString())
        .isEqualTo("{\"x-tenant\":\"a\"}");
    assertThat(input.path("parsed_path").toString()).isEqualTo("[\"api\",\"v1\",\"transfer\"]");
    assertThat(input.at("/context/risk_score").asDouble()).isEqualTo(0.25);
    assertThat(input.at("/context/tls/mutual_auth").asBoolean()).isTrue();
  }

  @Test
  void aRiskScoreThatIsUnknownIsNotInTheInput() {
    opa.answers(200, ALLOW);

    answer(point(options()), call());

    assertThat(opa.asked().get(0).body().at("/input/context").has("risk_score")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "200|{}|opa_undefined",
        "200|{\"result\": false}|opa_denied",
        "200|{\"result\": {\"allowed\": false}}|opa_denied",
        "200|{\"result\": {\"allowed\": \"yes\"}}|opa_malformed",
        "200|{\"result\": {}}|opa_malformed",
        "200|{\"result\": \"true\"}|opa_malformed",
        "200|{\"result\": 1}|opa_malformed",
        "200|{\"result\": null}|opa_malformed",
        "200|{\"result\": true, \"result\": true}|opa_malformed",
        "200|[true]|opa_undefined",
        "200|true|opa_undefined",
        "200|{\"result\": tr|opa_malformed",
        "500|{\"code\": \"internal_error\"}|opa_error",
        "400|{\"result\": true}|opa_error",
        "404|{\"result\": true}|opa_error",
        "204||opa_error",
      })
  void allowsOnlyWhatIsPlainlyTrue(int status, String body, String reason) {
    opa.answers(status, body == null ? "" : body);

    DecisionPoint.Answer answer = answer(point(options()), call());

    assertThat(answer.allowed()).isFalse();
    assertThat(answer.reason()).isEqualTo(reason);
  }

  @Test
  void anObjectCanAllowToo() {
    opa.answers(200, "{\"result\": {\"allowed\": true}}");

    assertThat(answer(point(options()), call()).allowed()).isTrue();
  }

  @Test
  void waitsForFiftyMillisecondsUnlessToldOtherwise() {
    assertThat(OpaOptions.at(opa.address()).timeout()).isEqualTo(Duration.ofMillis(50));
    opa.falls();

    assertThat(answer(point(OpaOptions.at(opa.address())), call()).reason())
        .isEqualTo("opa_timeout");
  }

  @Test
  void theLateAnswerToOneQuestionIsNotTakenForThatToTheNext() {
    CountDownLatch nextIsAsked = new CountDownLatch(1);
    opa.answers(
        input -> {
          if (input.at("/attributes/request/http/path").asText().equals("/a/slow")) {
            await(nextIsAsked);
            return "{\"result\": false}";
          }
          nextIsAsked.countDown();
          return ALLOW;
        });
    OpaDecisionPoint point = point(OpaOptions.at(opa.address()).timeout(Duration.ofMillis(250)));
    assertThat(answer(point, Calls.of(Calls.FRONTEND, "/a/slow")).reason())
        .isEqualTo("opa_timeout");

    List<String> reasons = new ArrayList<>();
    Eventually.await(
        () -> "an answer to the next question after " + reasons,
        Duration.ofSeconds(20),
        () -> {
          nanos.addAndGet(Duration.ofSeconds(10).toNanos());
          DecisionPoint.Answer next = answer(point, Calls.of(Calls.FRONTEND, "/a/next"));
          reasons.add(String.valueOf(next.reason()));
          return next.allowed();
        });
    assertThat(reasons).doesNotContain("opa_denied");
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void refusesWhenNobodyListens() throws Exception {
    OpaDecisionPoint point =
        point(OpaOptions.at("http://127.0.0.1:" + RealOpa.freePort()).timeout(LONG));

    assertThat(answer(point, call()).reason()).isEqualTo("opa_unreachable");
  }

  @Test
  void refusesWhenTheUnixSocketIsAbsent(@TempDir Path folder) {
    OpaDecisionPoint point =
        point(OpaOptions.at("unix:" + folder.resolve("opa.sock")).timeout(LONG));

    assertThat(answer(point, call()).reason()).isEqualTo("opa_unreachable");
  }

  @Test
  void doesNotAskWhileOpaKeepsFailingThenAsksOnce() {
    opa.answers(503, "{}");
    OpaDecisionPoint point = point(options());
    for (int i = 0; i < 5; i++) {
      assertThat(answer(point, call()).reason()).isEqualTo("opa_error");
    }
    assertThat(answer(point, call()).reason()).isEqualTo("opa_paused");
    assertThat(opa.asked()).hasSize(5);

    nanos.addAndGet(Duration.ofMillis(250).toNanos());
    assertThat(answer(point, call()).reason()).isEqualTo("opa_error");
    assertThat(answer(point, call()).reason()).isEqualTo("opa_paused");
    assertThat(opa.asked()).hasSize(6);

    opa.answers(200, ALLOW);
    nanos.addAndGet(Duration.ofMillis(500).toNanos());
    assertThat(answer(point, call()).allowed()).isTrue();
    assertThat(opa.asked()).hasSize(7);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "500|{\"code\": \"internal_error\"}|opa_error",
        "400|{\"code\": \"invalid_parameter\"}|opa_error",
        "200|{\"result\": 1}|opa_malformed"
      })
  void anInputThatOpaCannotDecidePausesNobody(int status, String body, String reason) {
    opa.answers(status, body);
    OpaDecisionPoint point = point(options());
    for (int i = 0; i < 10; i++) {
      assertThat(answer(point, call()).reason()).isEqualTo(reason);
    }

    opa.answers(200, ALLOW);
    assertThat(answer(point, call()).allowed()).isTrue();
  }

  @Test
  void moreQuestionsThanMayWaitAreNoFailureOfOpa() {
    opa.falls();
    OpaDecisionPoint point = point(options());
    List<CompletableFuture<DecisionPoint.Answer>> answers = new ArrayList<>();
    for (int i = 0; i < 16 + 1024 + 10; i++) {
      answers.add(point.ask(call()));
    }
    Eventually.await(
        "ten that may not wait",
        () -> answers.stream().filter(CompletableFuture::isDone).count() >= 10);

    assertThat(answer(point, call()).reason()).isEqualTo("opa_overloaded");
  }

  @Test
  void aQuestionThatItsCallerMadeLongIsNotRemembered() {
    opa.answers(200, ALLOW);
    OpaDecisionPoint point = point(options());
    CallFacts longest = Calls.of(Calls.FRONTEND, "/" + "a".repeat(OpaCache.LONGEST_QUESTION));
    CallFacts longer = Calls.of(Calls.FRONTEND, "/a" + "a".repeat(OpaCache.LONGEST_QUESTION));

    answer(point, longest);
    answer(point, longest);
    assertThat(opa.asked()).hasSize(1);
    answer(point, longer);
    answer(point, longer);
    assertThat(opa.asked()).hasSize(3);
  }

  @Test
  void whatIsOverIsSweptWhenOthersCome() {
    OpaCache cache = new OpaCache(Duration.ofSeconds(1), nanos::get);
    DecisionPoint.Answer answer = new DecisionPoint.Answer(true, "opa", "opa:a", "r1", null, "d1");
    for (int i = 0; i < 100; i++) {
      cache.put(key("/a/" + i), answer, "r1", cache.time());
    }
    assertThat(cache.size()).isEqualTo(100);

    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    OpaCache.Key last = key("/b/c");
    cache.put(last, answer, "r1", cache.time());

    assertThat(cache.size()).isEqualTo(1);
    assertThat(cache.find(last)).isCompletedWithValue(answer);
  }

  private static OpaCache.Key key(String path) {
    CallFacts call = Calls.of(Calls.FRONTEND, path);
    return new OpaCache.Key(
        call.connection(), call.principal().id(), call.method(), List.of(), "", 0);
  }

  @Test
  void asksOnceForTheSameCallUntilTheAnswerIsOld() {
    opa.answers(200, ALLOW);
    OpaDecisionPoint point = point(options());
    CallFacts call = call();

    assertThat(answer(point, call).allowed()).isTrue();
    assertThat(point.ask(call)).isCompleted();
    assertThat(answer(point, call).decisionId()).isEqualTo("d1");
    assertThat(opa.asked()).hasSize(1);
    assertThat(answer(point, Calls.of(Calls.FRONTEND, "/a/c")).allowed()).isTrue();
    assertThat(opa.asked()).hasSize(2);

    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(answer(point, call).allowed()).isTrue();
    assertThat(opa.asked()).hasSize(3);
  }

  @Test
  void forgetsAllAnswersOnceAnotherRevisionShows() {
    opa.answers(200, ALLOW);
    OpaDecisionPoint point = point(options());
    CallFacts call = call();
    assertThat(answer(point, call).allowed()).isTrue();

    opa.answers(200, ALLOW.replace("true", "false").replace("r1", "r2"));
    assertThat(answer(point, call).policyRevision()).isEqualTo("r1");
    assertThat(answer(point, Calls.of(Calls.FRONTEND, "/a/c")).policyRevision()).isEqualTo("r2");

    assertThat(answer(point, call).policyRevision()).isEqualTo("r2");
    assertThat(answer(point, call).reason()).isEqualTo("opa_denied");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"result\": true}", "{\"result\": true, \"provenance\": {}}"})
  void anAnswerThatNamesNoRevisionIsNotUsedAgain(String body) {
    opa.answers(200, body);
    OpaDecisionPoint point = point(options());
    CallFacts call = call();

    assertThat(answer(point, call).allowed()).isTrue();
    assertThat(answer(point, call).allowed()).isTrue();

    assertThat(opa.asked()).hasSize(2);
  }

  @Test
  void aChangedRiskIsAnotherQuestion() {
    opa.answers(200, ALLOW);
    OpaDecisionPoint point = point(options());
    CallFacts call = call();
    CallFacts riskier =
        new CallFacts(
            call.connection(),
            call.method(),
            call.metadata(),
            call.claims(),
            id -> 0.9,
            call.clock());

    answer(point, call);
    answer(point, riskier);
    answer(point, riskier);

    assertThat(opa.asked()).hasSize(2);
  }

  @Test
  void manyQuestionsAtOnceAreAllAnswered() {
    opa.answers(200, "{\"result\": true}");
    OpaDecisionPoint point = point(options());

    List<CompletableFuture<DecisionPoint.Answer>> answers = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      answers.add(point.ask(Calls.of(Calls.FRONTEND, "/a/m" + i)));
    }

    assertThat(answers).allMatch(answer -> answer.orTimeout(30, SECONDS).join().allowed());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1:8181",
        "https://127.0.0.1:8181",
        "http://10.0.0.1:8181",
        "http://opa:8181",
        "http://127.0.0.1",
        "http://127.0.0.1:8181/v1",
        "unix:relative",
        ""
      })
  void refusesAnAddressThatAnswersCouldBeForgedAt(String address) {
    assertThatThrownBy(() -> OpaOptions.at(address))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + address + "'")
        .hasMessageContaining("unix:/absolute/path");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/a", "a/", "a//b", "a?b", "a b", "../a"})
  void refusesAPathThatIsNoDocument(String path) {
    assertThatThrownBy(() -> OpaOptions.at("unix:/opa.sock").path(path))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private OpaOptions options() {
    return OpaOptions.at(opa.address()).timeout(LONG);
  }

  private OpaDecisionPoint point(OpaOptions options) {
    OpaDecisionPoint point = new OpaDecisionPoint(options, () -> ORDERS, executor, nanos::get);
    open.add(point);
    return point;
  }

  private static CallFacts call() {
    return Calls.of(Calls.FRONTEND, "/a/b");
  }

  private static DecisionPoint.Answer answer(OpaDecisionPoint point, CallFacts call) {
    return point.ask(call).orTimeout(30, SECONDS).join();
  }
}
