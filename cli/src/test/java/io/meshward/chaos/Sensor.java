package io.meshward.chaos;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Posts alerts, each again and again until ingest took it, and remembers how often it had to.
 * Thread-safe.
 */
final class Sensor implements AutoCloseable {
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final Duration AGAIN = Duration.ofMillis(20);

  private final Supplier<Optional<URI>> ingest;
  private final Map<Long, Integer> attempts = new ConcurrentHashMap<>();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(ANSWER).build();

  /**
   * @param ingest where it is now, if it is anywhere
   */
  Sensor(Supplier<Optional<URI>> ingest) {
    this.ingest = ingest;
  }

  /** Posts an alert until it is answered with 2xx. */
  void post(Alert alert) {
    int[] tries = {0};
    String[] last = {"no answer"};
    Await.until(
        "alert " + alert.number() + " is answered with 2xx",
        () -> {
          Optional<URI> address = ingest.get();
          if (address.isEmpty()) {
            return false;
          }
          tries[0]++;
          last[0] = once(alert, address.get());
          return last[0].startsWith("2");
        },
        () -> "last: " + last[0]);
    attempts.merge(alert.number(), tries[0], Integer::sum);
  }

  private String once(Alert alert, URI address) {
    try {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(address)
                  .timeout(ANSWER)
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(alert.json()))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() + " " + answer.body();
    } catch (IOException e) {
      Await.pass(AGAIN);
      return e.toString();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The alerts that were answered with 2xx, by number, and how often each was posted. */
  Map<Long, Integer> answered() {
    return Map.copyOf(attempts);
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
