package io.meshward.ingest;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Health;
import io.meshward.daemon.HttpServer;
import io.meshward.daemon.KafkaCheck;
import io.meshward.daemon.Metrics;
import io.meshward.daemon.Resources;
import io.meshward.schemas.TopicCatalogue;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ingest process: alerts by HTTP, onto Kafka.
 *
 * <p>{@code POST /} and {@code POST /v1/falco} take Falco's JSON and falcosidekick's: one alert, a
 * JSON array, or one a line. They answer with success only after every replica in sync has the
 * alert. Without a broker it starts, answers 503 and recovers by itself. Thread-safe.
 */
public final class Ingest implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Ingest.class);
  private static final String NAME = "ingest";
  private static final Duration CLOSE = Duration.ofSeconds(20);

  private final Resources resources = new Resources(CLOSE);
  private final HttpServer http;

  private Ingest(IngestConfig config, InstantSource clock) {
    try {
      Metrics metrics = resources.add("metrics", new Metrics());
      Health health = new Health();
      Authenticator authenticator = new Authenticator(config);
      AlertParser parser = new AlertParser(config.cluster());
      DeadLetters deadLetters =
          resources.add(
              "dead-letters",
              DeadLetters.start(config.kafka(), NAME, parser.reporter(), clock, metrics));
      AlertPublisher publisher =
          resources.add(
              "publisher", new AlertPublisher(config.kafka(), config.acknowledgeWithin(), metrics));
      resources.add(
          "kafka-check",
          KafkaCheck.start(
              config.kafka(),
              NAME,
              List.of(TopicCatalogue.EVENTS_FALCO, TopicCatalogue.DEADLETTER),
              health));
      FalcoEndpoint.Parts parts =
          new FalcoEndpoint.Parts(
              authenticator,
              parser,
              publisher,
              deadLetters,
              metrics,
              new Semaphore(2 * Runtime.getRuntime().availableProcessors()));
      http =
          resources.add(
              "http",
              HttpServer.builder(NAME, config.http(), health, metrics)
                  // What forwarders take for success differs; all take 200.
                  .route("POST", "/", new FalcoEndpoint(200, parts))
                  .route("POST", "/v1/falco", new FalcoEndpoint(202, parts))
                  .start());
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /**
   * Starts the process.
   *
   * @throws RuntimeException if it cannot listen, or a secret or key cannot be used; the message
   *     says which
   */
  public static Ingest start(IngestConfig config) {
    Ingest ingest = new Ingest(config, InstantSource.system());
    if (config.authentication().bearerTokenFile() != null
        && config.http().tls() == null
        && !config.http().address().isLoopback()) {
      log.atWarn()
          .addKeyValue("address", config.http().address())
          .log("bearer tokens come in over plain HTTP: whoever can listen has them");
    }
    log.atInfo()
        .addKeyValue("uri", ingest.httpUri())
        .addKeyValue("cluster", config.cluster())
        .addKeyValue("topic", config.kafka().topic(TopicCatalogue.EVENTS_FALCO))
        .log("ingest listens");
    return ingest;
  }

  /** Where it listens: alerts, health, readiness and metrics. */
  public URI httpUri() {
    return http.uri();
  }

  /** Takes no further alerts, answers those at work, then closes. Idempotent. */
  @Override
  public void close() {
    resources.close();
  }

  /** Waits until it is closed. */
  public void await() throws InterruptedException {
    resources.await();
  }
}
