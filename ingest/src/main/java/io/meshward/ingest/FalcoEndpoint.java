package io.meshward.ingest;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Durations;
import io.meshward.daemon.HttpCall;
import io.meshward.daemon.HttpHandler;
import io.meshward.daemon.HttpReply;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.daemon.Problem;
import io.meshward.daemon.ProblemException;
import io.meshward.schemas.DeadLetter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The way of a request: who posts, what is in the body, what of it is an alert, onto Kafka, and the
 * answer.
 *
 * <p>One alert is answered 200 or 202 once the brokers have it. A batch is answered 202 with a
 * result for each alert if at least one was accepted, 400 only if none was. If the brokers did not
 * acknowledge every valid alert, the answer is 503: the sender repeats the whole, and what was
 * written already collapses by its id. Thread-safe.
 */
final class FalcoEndpoint implements HttpHandler {
  /** The label of these alerts among those of other sensors. */
  private static final String SENSOR = "falco";

  private static final Duration PARSING = Duration.ofSeconds(2);
  private static final Pattern TRACEPARENT =
      Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

  private final int success;
  private final Parts parts;

  /** What the endpoints of one process share. */
  record Parts(
      Authenticator authenticator,
      AlertParser parser,
      AlertPublisher publisher,
      DeadLetters deadLetters,
      Metrics metrics,
      Semaphore parsing) {}

  /** One alert of a request, and what became of it. */
  private sealed interface Outcome {
    record Rejected(Rejection rejection) implements Outcome {}

    record Accepted(Alert alert) implements Outcome {}

    record Unacknowledged(Alert alert) implements Outcome {}
  }

  /**
   * @param success the status of the answer to one accepted alert
   */
  FalcoEndpoint(int success, Parts parts) {
    this.success = success;
    this.parts = parts;
  }

  @Override
  public HttpReply handle(HttpCall call) throws InterruptedException {
    String sender;
    try {
      sender = parts.authenticator().authenticate(call);
    } catch (ProblemException e) {
      parts.metrics().increment(Metric.INGEST_REJECTED, e.problem().code());
      HttpReply reply = HttpReply.problem(e.problem());
      return e.problem().status() == 401
          ? reply.with("WWW-Authenticate", "Bearer realm=\"meshward\"")
          : reply;
    }
    byte[] bytes;
    try {
      bytes = call.body();
    } catch (ProblemException e) {
      reject(sender, e.problem().code(), e.problem().detail(), call.received());
      throw e;
    }
    AlertBody body;
    try {
      body = AlertBody.of(bytes);
    } catch (Rejection e) {
      count("rejected");
      reject(sender, e.why().label(), e.detail(), bytes);
      return HttpReply.problem(problem(e));
    }
    List<Outcome> outcomes = publish(parse(body, traceparent(call)));
    account(sender, body, bytes, outcomes);
    return body.batch() ? batchReply(outcomes) : singleReply(outcomes.getFirst());
  }

  private static @Nullable String traceparent(HttpCall call) {
    return call.header("traceparent")
        .filter(value -> TRACEPARENT.matcher(value).matches())
        .orElse(null);
  }

  /** What can be understood is unacknowledged for now. */
  private List<Outcome> parse(AlertBody body, @Nullable String traceparent)
      throws InterruptedException {
    // While it is parsed an alert can be many times its bytes: few requests parse at once.
    if (!parts.parsing().tryAcquire(PARSING.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new ProblemException(
          new Problem(503, "busy", "no turn to parse within " + Durations.print(PARSING)));
    }
    try {
      List<Outcome> outcomes = new ArrayList<>(body.alerts().size());
      for (int i = 0; i < body.alerts().size(); i++) {
        try {
          if (body.cutOff() && i == body.alerts().size() - 1) {
            throw AlertBody.malformed("the array is not closed: expected ']' at its end");
          }
          outcomes.add(
              new Outcome.Unacknowledged(parts.parser().parse(body.alerts().get(i), traceparent)));
        } catch (Rejection e) {
          outcomes.add(new Outcome.Rejected(e));
        }
      }
      return outcomes;
    } finally {
      parts.parsing().release();
    }
  }

  private List<Outcome> publish(List<Outcome> parsed) throws InterruptedException {
    List<Alert> alerts =
        parsed.stream()
            .<Alert>mapMulti(
                (outcome, alert) -> {
                  if (outcome instanceof Outcome.Unacknowledged waiting) {
                    alert.accept(waiting.alert());
                  }
                })
            .toList();
    if (alerts.isEmpty()) {
      return parsed;
    }
    Iterator<Boolean> acknowledged = parts.publisher().publish(alerts).iterator();
    return parsed.stream()
        .map(
            outcome ->
                outcome instanceof Outcome.Unacknowledged waiting && acknowledged.next()
                    ? new Outcome.Accepted(waiting.alert())
                    : outcome)
        .toList();
  }

  /** Counts every alert, and keeps the bytes of those that are none. */
  private void account(String sender, AlertBody body, byte[] bytes, List<Outcome> outcomes) {
    boolean allRejected = outcomes.stream().allMatch(Outcome.Rejected.class::isInstance);
    for (int i = 0; i < outcomes.size(); i++) {
      switch (outcomes.get(i)) {
        case Outcome.Accepted accepted -> count("accepted");
        case Outcome.Unacknowledged unacknowledged -> count("unacknowledged");
        case Outcome.Rejected(Rejection rejection) -> {
          count("rejected");
          if (!allRejected) {
            reject(sender, rejection.why().label(), rejection.detail(), body.alerts().get(i));
          }
        }
      }
    }
    if (allRejected && outcomes.getFirst() instanceof Outcome.Rejected(Rejection first)) {
      reject(sender, first.why().label(), first.detail(), bytes);
    }
  }

  private HttpReply singleReply(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Accepted(Alert alert) -> HttpReply.json(success, Map.of("id", alert.id()));
      case Outcome.Rejected(Rejection rejection) -> HttpReply.problem(problem(rejection));
      case Outcome.Unacknowledged unacknowledged -> unacknowledged(Map.of());
    };
  }

  private static HttpReply batchReply(List<Outcome> outcomes) {
    List<Map<String, Object>> results = new ArrayList<>(outcomes.size());
    int accepted = 0;
    int rejected = 0;
    for (Outcome outcome : outcomes) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("index", results.size());
      switch (outcome) {
        case Outcome.Accepted(Alert alert) -> {
          accepted++;
          result.put("status", 202);
          result.put("id", alert.id());
        }
        case Outcome.Unacknowledged(Alert alert) -> {
          result.put("status", 503);
          result.put("id", alert.id());
        }
        case Outcome.Rejected(Rejection rejection) -> {
          rejected++;
          result.put("status", 400);
          result.put("code", rejection.why().label());
          result.put("field", rejection.field());
          result.put("detail", rejection.detail());
        }
      }
      results.add(result);
    }
    if (accepted + rejected < outcomes.size()) {
      return unacknowledged(Map.of("results", results));
    }
    if (accepted == 0) {
      return HttpReply.problem(
          new Problem(
              400,
              "no_alert",
              "none of the "
                  + rejected
                  + " alerts is valid; the first: "
                  + results.getFirst().get("detail"),
              Map.of(
                  "field", String.valueOf(results.getFirst().get("field")), "results", results)));
    }
    Map<String, Object> reply = new LinkedHashMap<>();
    reply.put("accepted", accepted);
    reply.put("rejected", rejected);
    reply.put("results", results);
    return HttpReply.json(202, reply);
  }

  private static HttpReply unacknowledged(Map<String, Object> extensions) {
    return HttpReply.problem(
        new Problem(
            503,
            "not_acknowledged",
            "the brokers did not acknowledge in time; post it again",
            extensions));
  }

  private static Problem problem(Rejection rejection) {
    return new Problem(
        400, rejection.why().label(), rejection.detail(), Map.of("field", rejection.field()));
  }

  private void reject(String sender, String cause, String detail, byte[] bytes) {
    parts.metrics().increment(Metric.INGEST_REJECTED, cause);
    parts
        .deadLetters()
        .write(null, new DeadLetter.Origin(null, null, null, sender), cause, detail, bytes);
  }

  private void count(String outcome) {
    parts.metrics().increment(Metric.INGEST_EVENTS, SENSOR, outcome);
  }
}
