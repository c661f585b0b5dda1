package io.meshward.detect;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Health;
import io.meshward.daemon.HttpServer;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metrics;
import io.meshward.daemon.Resources;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Properties;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;

/**
 * Detection as a process: events in, detections out, exactly once.
 *
 * <p>It starts only with valid rules. Kafka and the process's own SVID may come later, and Kafka go
 * and come again: {@code /readyz} says whether events are being tested. Thread-safe.
 */
public final class Detect implements AutoCloseable {
  private static final Duration CLOSE = Duration.ofSeconds(20);
  private static final String NAME = "detect";

  private final Resources resources;
  private final Health health;
  private final HttpServer http;

  private Detect(Resources resources, Health health, HttpServer http) {
    this.resources = resources;
    this.health = health;
    this.http = http;
  }

  /**
   * Starts detection.
   *
   * @throws RulesRejectedException if the rules cannot be read or are not valid, naming every error
   * @throws IllegalStateException if the HTTP server cannot listen
   * @throws java.io.UncheckedIOException if the state directory cannot be used
   */
  public static Detect start(DetectConfig config) {
    Resources resources = new Resources(CLOSE);
    try {
      return start(config, resources);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private static Detect start(DetectConfig config, Resources resources) {
    Health health = new Health();
    Metrics metrics = resources.add("metrics", new Metrics());
    String source = "//" + config.cluster() + "/" + NAME;
    DeadLetters deadLetters =
        resources.add(
            "dead-letters",
            DeadLetters.start(config.kafka(), NAME, source, InstantSource.system(), metrics));
    ActiveRules rules =
        ActiveRules.load(
            config.rules(), config.timing().lateArrival(), metrics, deadLetters::write);
    String instance = Instance.idIn(config.stateDirectory());
    HttpServer http =
        resources.add("http", HttpServer.builder(NAME, config.http(), health, metrics).start());
    resources.add("rules", RuleReloading.start(rules));
    Authorities authorities =
        resources.add("authorities", new Authorities(config.kafka(), metrics));
    Wiring wiring = Wiring.of(config, rules, authorities, metrics, deadLetters::write);
    resources.add(
        "streams",
        StreamsSupervisor.start(
            config.kafka(), () -> streams(config, instance, wiring, authorities), metrics, health));
    return new Detect(resources, health, http);
  }

  private static KafkaStreams streams(
      DetectConfig config, String instance, Wiring wiring, Authorities authorities) {
    authorities.await();
    KafkaConfig kafka = config.kafka();
    Topology topology = DetectTopology.build(wiring, name -> kafka.prefix() + "." + name);
    Properties settings = StreamsSettings.of(config, instance, wiring.parking());
    return new KafkaStreams(topology, settings, new PacedClients(wiring.pacer()));
  }

  /** The address of health, readiness and metrics. */
  public URI httpUri() {
    return http.uri();
  }

  /** Whether events are being tested with the rules. */
  public boolean isReady() {
    return health.isReady();
  }

  /** Waits until it is closed. */
  public void await() throws InterruptedException {
    resources.await();
  }

  /** Commits what is done and stops, within a deadline. Idempotent. */
  @Override
  public void close() {
    resources.close();
  }
}
