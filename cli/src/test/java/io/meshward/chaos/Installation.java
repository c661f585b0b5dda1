package io.meshward.chaos;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.detect.Detect;
import io.meshward.detect.DetectConfig;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.responder.ApprovalSigner;
import io.meshward.responder.ContainmentClient;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.admin.Admin;

/**
 * Ingest, detect and respond, each a process of its own with the shipped rules and playbooks, and
 * around them, in this process, what outlives them: a broker, a cluster, and peers in the mesh.
 */
final class Installation implements AutoCloseable {
  static final List<String> DAEMONS = List.of("ingest", "detect", "respond");

  private static final Path SOURCES = Path.of("..").toAbsolutePath().normalize();
  private static final String KEY = "operator";

  final EmbeddedKafka broker;
  final Cluster cluster;
  final KafkaConfig kafka;
  final Topics topics;
  final Peers peers;
  final ContainmentClient containments;
  final ApprovalSigner signer;
  final Map<String, DaemonProcess> daemons;
  private final Path folder;

  /** A test that is ended from outside takes its daemons with it. */
  private final Thread orphans = new Thread(this::killDaemons);

  /**
   * Starts the parts around the daemons.
   *
   * @param seed of the cluster's uids and names
   */
  Installation(Path folder, long seed) throws IOException {
    this.folder = folder;
    broker = EmbeddedKafka.start();
    kafka = prefixed(TopicCatalogue.DEFAULT_PREFIX);
    topics = new Topics(kafka);
    cluster = new Cluster(folder, seed);
    peers = new Peers(kafka, List.of("payment", "orders"));
    containments = ContainmentClient.open(kafka);
    ApprovalSigner.KeyPair pair = ApprovalSigner.generate(KEY);
    signer = ApprovalSigner.of(pair.privateJwk());
    Files.writeString(folder.resolve("operator.jwk"), pair.publicJwk());
    daemons =
        Map.of(
            "ingest", new DaemonProcess("ingest", folder, ingest()),
            "detect", new DaemonProcess("detect", folder, detect(kafka, "detect")),
            "respond", new DaemonProcess("respond", folder, respond()));
    Runtime.getRuntime().addShutdownHook(orphans);
  }

  DaemonProcess daemon(String name) {
    return Objects.requireNonNull(daemons.get(name), name);
  }

  /**
   * Starts all daemons, and waits until they are ready: detect after the inventory is whole, since
   * only then what it makes of an event depends on the event alone.
   */
  void startDaemons() {
    daemon("ingest").start();
    daemon("respond").start();
    daemon("respond").awaitReady();
    Await.until("the inventory knows all pods and whose they are", this::inventoryIsWhole);
    daemon("detect").start();
    daemons.values().forEach(DaemonProcess::awaitReady);
  }

  private boolean inventoryIsWhole() {
    Map<String, Inventory> known = topics.latest(TopicCatalogue.INVENTORY, Inventory.class);
    return cluster.pods().stream()
        .map(pod -> known.get(Cluster.NAME + "/" + pod.getMetadata().getUid()))
        .allMatch(inventory -> inventory != null && inventory.owners().size() == 2);
  }

  /** Stops all daemons as a service manager does, and starts them again. */
  void restartDaemons() {
    daemons.values().parallelStream().forEach(DaemonProcess::stop);
    daemons.values().forEach(DaemonProcess::start);
    daemons.values().forEach(DaemonProcess::awaitReady);
  }

  /** Copies what the daemons logged to a folder that outlives this. */
  void keepLogs(Path evidence) throws IOException {
    Files.createDirectories(evidence);
    for (DaemonProcess daemon : daemons.values()) {
      daemon.copyLog(evidence);
    }
  }

  /** The same broker under another prefix, with topics of its own. */
  KafkaConfig prefixed(String prefix) {
    KafkaConfig config = new KafkaConfig(broker.bootstrapServers(), prefix, Map.of());
    try (Admin admin = Admin.create(config.admin("test"))) {
      new TopicAdmin(admin, prefix, Duration.ofSeconds(30)).apply();
    }
    return config;
  }

  /**
   * Has an unharmed detect look at the very same events, in the same partitions and order, with the
   * inventory as it is now.
   *
   * @return what it wrote
   */
  Topics undisturbed() throws IOException {
    KafkaConfig calm = prefixed("calm");
    topics.copy(TopicCatalogue.INVENTORY, calm);
    List<Topic> events = List.of(TopicCatalogue.EVENTS_FALCO, TopicCatalogue.EVENTS_IDENTITY);
    events.forEach(topic -> topics.copy(topic, calm));
    Topics seen = new Topics(calm);
    try (Detect detect =
        Detect.start(
            ConfigFile.parse(detect(calm, "calm"), "the undisturbed detect", DetectConfig.class))) {
      Await.until("the undisturbed detect is ready", detect::isReady);
      events.forEach(topic -> seen.awaitRead(topic, "detect"));
      seen.awaitRead(TopicCatalogue.FACTS, "detect");
    }
    return seen;
  }

  private String ingest() {
    return common(kafka);
  }

  private String detect(KafkaConfig kafka, String state) {
    return common(kafka)
        + """
        rules: ['%s']
        state-directory: '%s'
        """
            .formatted(SOURCES.resolve("rules"), folder.resolve(state));
  }

  private String respond() throws IOException {
    return """
    kafka: {bootstrap-servers: '%s', prefix: %s, properties: {group.instance.id: responder-0}}
    http: {address: '127.0.0.1:0'}
    cluster: %s
    trust-domain: %s
    kubernetes: {kubeconfig: '%s'}
    playbooks: '%s'
    mode: enforce
    enforce: {namespaces: ['%s']}
    budget: {containments: 1000}
    approvers: {%s: '%s'}
    """
        .formatted(
            kafka.bootstrapServers(),
            kafka.prefix(),
            Cluster.NAME,
            Peers.TRUST_DOMAIN,
            cluster.kubeconfig(),
            playbooks(),
            Cluster.NAMESPACE,
            KEY,
            folder.resolve("operator.jwk"));
  }

  /** The shipped playbooks, but a pod recovers as soon as its replacement is ready. */
  private Path playbooks() throws IOException {
    Path playbooks = Files.createDirectories(folder.resolve("playbooks"));
    try (var files = Files.list(SOURCES.resolve("playbooks"))) {
      for (Path file : files.toList()) {
        Files.writeString(
            playbooks.resolve(file.getFileName()),
            Files.readString(file).replace("for: 10m", "for: 1s"));
      }
    }
    return playbooks;
  }

  private static String common(KafkaConfig kafka) {
    return """
    kafka: {bootstrap-servers: '%s', prefix: %s}
    http: {address: '127.0.0.1:0'}
    cluster: %s
    """
        .formatted(kafka.bootstrapServers(), kafka.prefix(), Cluster.NAME);
  }

  private void killDaemons() {
    daemons.values().forEach(DaemonProcess::close);
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(orphans);
    killDaemons();
    containments.close();
    peers.close();
    cluster.close();
    broker.close();
  }
}
