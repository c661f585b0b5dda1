package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.AuthzDecision.Trace;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks OPA over its REST API. Only {@code true}, or an object whose {@code allowed} is, allows:
 * undefined is a refusal, and so is everything that goes wrong, each with its own reason. OPA is
 * not asked while it cannot be reached or keeps silent; an answer that is no decision may be due to
 * the input of one caller, and keeps no other from asking. Thread-safe.
 */
final class OpaDecisionPoint implements DecisionPoint {
  private static final Logger log = LoggerFactory.getLogger(OpaDecisionPoint.class);
  private static final String ENGINE = "opa";

  /** 502 to 504: nobody there who could decide. A policy that fails on an input answers 500. */
  private static final int FIRST_OF_NO_SERVICE = 502;

  private final OpaClient client;
  private final OpaInput input;
  private final String path;
  private final CircuitBreaker breaker;
  private final OpaCache cache;
  private final Executor executor;

  /**
   * @param own this workload's ID
   * @param executor reads answers
   */
  OpaDecisionPoint(
      OpaOptions options,
      Supplier<@Nullable SpiffeId> own,
      Executor executor,
      LongSupplier nanoTime) {
    this.client = new OpaClient(options.address(), options.timeout());
    this.input = new OpaInput(own, options.headers());
    this.path = options.path();
    this.breaker = new CircuitBreaker(nanoTime);
    this.cache = new OpaCache(options.cachedFor(), nanoTime);
    this.executor = executor;
  }

  @Override
  public CompletableFuture<Answer> ask(CallFacts call) {
    double risk = call.risk().score(call.principal().id());
    List<@Nullable String> headers = input.headers(call.metadata());
    OpaCache.Key key =
        new OpaCache.Key(
            call.connection(),
            call.principal().id(),
            call.method(),
            headers,
            call.claims().tokenHash(),
            risk);
    CompletableFuture<Answer> cached = cache.find(key);
    if (cached != null) {
      return cached;
    }
    byte[] json = input.json(call, headers, risk);
    if (!breaker.lets()) {
      return CompletableFuture.completedFuture(refused("opa_paused"));
    }
    long askedAt = cache.time();
    Trace trace = TraceContext.of(call.metadata());
    return client
        .post(
            "/v1/data/" + path + "?provenance=true",
            json,
            trace == null ? null : "00-" + trace.traceId() + "-" + trace.spanId() + "-01")
        .handleAsync(
            (reply, failure) -> {
              Answer answer = failure == null ? read(reply) : failed(failure);
              if (answer.policyRevision() != null) {
                cache.put(key, answer, answer.policyRevision(), askedAt);
              }
              return answer;
            },
            executor);
  }

  private Answer failed(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String reason =
        switch (cause) {
          case TimeoutException late -> "opa_timeout";
          case OpaClient.OverloadedException full -> "opa_overloaded";
          default -> "opa_unreachable";
        };
    if (cause instanceof OpaClient.OverloadedException) {
      breaker.abandoned();
    } else {
      breaker.failed();
    }
    log.atWarn()
        .addKeyValue("reason", reason)
        .addKeyValue("problem", cause.toString())
        .log("OPA could not be asked: the call is refused");
    return refused(reason);
  }

  private Answer read(OpaClient.Reply reply) {
    if (reply.status() >= FIRST_OF_NO_SERVICE) {
      breaker.failed();
    } else {
      breaker.succeeded();
    }
    JsonNode body;
    try {
      body = EventCodec.readTree(reply.body().getBytes(UTF_8));
    } catch (MalformedEventException e) {
      return malformed(reply.status(), String.valueOf(e.getMessage()));
    }
    if (reply.status() != 200) {
      return malformed(reply.status(), body.path("message").asText());
    }
    String reason = refusal(body.get("result"));
    if (reason != null && reason.equals("opa_malformed")) {
      return malformed(reply.status(), "the result is " + body.get("result"));
    }
    JsonNode decisionId = body.get("decision_id");
    return new Answer(
        reason == null,
        ENGINE,
        ENGINE + ":" + path,
        revision(body.path("provenance").path("bundles")),
        reason,
        decisionId == null || !decisionId.isTextual() ? null : decisionId.textValue());
  }

  /** Why a result refuses, if it does. */
  private static @Nullable String refusal(@Nullable JsonNode result) {
    if (result == null) {
      return "opa_undefined";
    }
    JsonNode allowed = result.isObject() ? result.path("allowed") : result;
    return allowed.isBoolean() ? (allowed.booleanValue() ? null : "opa_denied") : "opa_malformed";
  }

  private Answer malformed(int status, String problem) {
    log.atWarn()
        .addKeyValue("status", status)
        .addKeyValue("problem", problem)
        .log("OPA gave no decision: the call is refused");
    return refused(status == 200 ? "opa_malformed" : "opa_error");
  }

  private Answer refused(String reason) {
    return new Answer(false, ENGINE, ENGINE + ":" + path, null, reason, null);
  }

  /** The revision of the bundle, or of each by its name; nothing without bundles. */
  private static @Nullable String revision(JsonNode bundles) {
    Map<String, String> revisions = new TreeMap<>();
    bundles
        .properties()
        .forEach(
            bundle -> {
              String revision = bundle.getValue().path("revision").asText();
              if (!revision.isEmpty()) {
                revisions.put(bundle.getKey(), revision);
              }
            });
    if (revisions.isEmpty() || revisions.size() < bundles.size()) {
      return null;
    }
    return revisions.size() == 1
        ? revisions.values().iterator().next()
        : revisions.entrySet().stream()
            .map(bundle -> bundle.getKey() + "=" + bundle.getValue())
            .collect(Collectors.joining(","));
  }

  @Override
  public void close() {
    client.close();
  }
}
