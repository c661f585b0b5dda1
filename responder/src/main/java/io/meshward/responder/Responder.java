package io.meshward.responder;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.Health;
import io.meshward.daemon.HttpServer;
import io.meshward.daemon.KafkaCheck;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.daemon.Resources;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The responder: answers detections with containment, in one cluster.
 *
 * <p>Detections become work ({@link ResolveStage}), work becomes containments ({@link
 * ExecuteStage}), and what the informers see becomes the inventory. Everything is written before it
 * is done and read back after a crash; several processes share the partitions. Thread-safe.
 */
public final class Responder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Responder.class);
  private static final Duration CLOSE = Duration.ofSeconds(20);
  private static final Duration SYNC = Duration.ofSeconds(30);

  private static final Duration READY = Duration.ofSeconds(30);
  private static final List<Topic> TOPICS =
      List.of(
          TopicCatalogue.DETECTIONS,
          TopicCatalogue.WORK,
          TopicCatalogue.RESPONSES,
          TopicCatalogue.CONTAINMENTS,
          TopicCatalogue.QUARANTINE,
          TopicCatalogue.ENFORCEMENT,
          TopicCatalogue.INVENTORY,
          TopicCatalogue.CONTROL,
          TopicCatalogue.APPROVALS,
          TopicCatalogue.DEADLETTER);

  private final Resources resources = new Resources(CLOSE);
  private final Health health = new Health();
  private final HttpServer http;
  private volatile @Nullable ExecuteStage execute;

  private Responder(
      ResponderConfig config, Playbooks playbooks, InstantSource clock, Checkpoint checkpoint) {
    KafkaConfig kafka = config.kafka();
    String source = "//" + config.cluster() + "/responder";
    try {
      Metrics metrics = resources.add("metrics", new Metrics());
      http =
          resources.add(
              "http", HttpServer.builder("responder", config.http(), health, metrics).start());
      DeadLetters deadLetters =
          resources.add(
              "dead letters", DeadLetters.start(kafka, "responder", source, clock, metrics));
      resources.add("kafka check", KafkaCheck.start(kafka, "responder", TOPICS, health));
      ClusterSide cluster =
          resources.add("cluster", ClusterSide.connect(config, playbooks.actions(), clock, health));
      BudgetBook budget =
          new BudgetBook(
              new Plan.Budget(config.budget().containments(), config.budget().window().toMillis()));
      Tables tables =
          resources.add(
              "tables",
              Tables.start(
                  kafka, config.cluster(), budget, deadLetters, clock, health, this::changed));
      Announcer announcer =
          resources.add(
              "announcer",
              new Announcer(cluster.api(), metrics, UUID.randomUUID().toString(), clock));
      Notifier notifier = resources.add("notifier", new Notifier(config.notifications()));
      metrics.gauge(
          Metric.RESPONDER_HIGHEST_MODE,
          () -> List.of(ResponseMode.values()).indexOf(tables.highest()));
      metrics.gauge(Metric.RESPONDER_PODS, () -> cluster.view().pods().size());

      Gate gate = new Gate(config, budget, tables::highest);
      ApprovalCheck approvals =
          new ApprovalCheck(
              ApproverKeys.load(config.approvers()), config.allowUnsignedApprovals(), metrics);
      LiveSurroundings surroundings = new LiveSurroundings(cluster, tables);
      ExecuteStage stage =
          ExecuteStage.start(
              new PartitionOwner.Parts(
                  kafka,
                  config.cluster(),
                  source,
                  () -> {
                    tables.awaitReady(READY);
                    return new Conductor(gate, approvals, surroundings, clock, config);
                  },
                  new Operator(cluster::action, cluster::fanOut, notifier, clock, checkpoint),
                  announcer,
                  deadLetters,
                  checkpoint,
                  ConcurrentHashMap.newKeySet()),
              health);
      execute = resources.add("execute", stage);
      resources.add(
          "inventory",
          new InventoryWriter(
              kafka,
              config.cluster(),
              source,
              cluster.view(),
              clock,
              config.inventory().keepGonePods(),
              deadLetters,
              () -> cluster.synced() && stage.leads()));
      cluster.awaitSync(SYNC);
      resources.add(
          "resolve",
          ResolveStage.start(
              kafka,
              config.cluster(),
              source,
              new Planner(
                  playbooks, new TargetResolver(config.cluster(), cluster.view(), cluster.api())),
              deadLetters,
              clock,
              checkpoint,
              health));
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private void changed(String containment) {
    ExecuteStage stage = execute;
    if (stage != null) {
      stage.changed(containment);
    }
  }

  /**
   * Starts a responder.
   *
   * @throws PlaybookException if its playbooks are not valid
   * @throws IllegalArgumentException if a file that the configuration names cannot be used
   * @throws IllegalStateException if it cannot listen, or if the Kubernetes API does not allow what
   *     the configuration and the playbooks need: the message names each rule
   */
  public static Responder start(ResponderConfig config) {
    return start(config, InstantSource.system(), Checkpoint.NONE);
  }

  static Responder start(ResponderConfig config, InstantSource clock, Checkpoint checkpoint) {
    Playbooks playbooks = Playbooks.load(config.playbooks());
    playbooks
        .warnings()
        .forEach(warning -> log.atWarn().addKeyValue("warning", warning).log("playbooks"));
    Responder responder = new Responder(config, playbooks, clock, checkpoint);
    log.atInfo()
        .addKeyValue("cluster", config.cluster())
        .addKeyValue("mode", config.mode())
        .addKeyValue("playbooks", playbooks.refs().size())
        .addKeyValue("http", responder.httpUri())
        .log("responder started");
    return responder;
  }

  /** Where it answers {@code /healthz}, {@code /readyz} and {@code /metrics}. */
  public URI httpUri() {
    return http.uri();
  }

  /** Whether everything it needs is there and read. */
  public boolean isReady() {
    return health.isReady();
  }

  /** Waits until it is closed. */
  public void await() throws InterruptedException {
    resources.await();
  }

  /** Lets the round at hand end, then closes everything, within 20 s. Idempotent. */
  @Override
  public void close() {
    resources.close();
  }
}
