package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.Target;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A cluster double, topics of their own on a shared broker, and responders between them: what the
 * tests of the whole stand on.
 */
final class Stand implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofMinutes(2);
  static final String CLUSTER = "local";

  private static int count;
  private static @Nullable Broker broker;

  final Path folder;
  final KafkaConfig kafka;
  final EmbeddedKubernetes kubernetes;
  final Shop shop;
  final ContainmentClient client;
  private final Path playbooks;
  private final KafkaProducer<byte[], byte[]> producer;
  private final List<AutoCloseable> parts = new ArrayList<>();

  Stand(Path folder) {
    this(
        folder,
        EmbeddedKubernetes.builder()
            .readyAfter(Duration.ofMillis(50))
            .goneAfter(Duration.ofMillis(100))
            .seed(7)
            .start());
  }

  Stand(Path folder, EmbeddedKubernetes kubernetes) {
    this.folder = folder;
    this.kubernetes = kubernetes;
    String prefix;
    synchronized (Stand.class) {
      prefix = "test" + ++count;
    }
    kafka = new KafkaConfig(broker().bootstrapServers(), prefix, Map.of());
    try (Admin admin = Admin.create(kafka.admin("test"))) {
      new TopicAdmin(admin, prefix, Duration.ofSeconds(20)).apply();
    }
    playbooks = folder.resolve("playbooks");
    try {
      kubernetes.writeKubeconfig(folder.resolve("kubeconfig"));
      Files.createDirectories(playbooks);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    shop = new Shop(kubernetes);
    client = ContainmentClient.open(kafka);
    producer = new KafkaProducer<>(kafka.producer("test"));
  }

  private static synchronized Broker broker() {
    Broker running = broker;
    if (running == null) {
      running = Brokers.start();
      Runtime.getRuntime().addShutdownHook(new Thread(running::close));
      broker = running;
    }
    return running;
  }

  /** What must be there. */
  static <T> T known(@Nullable T value) {
    assertThat(value).isNotNull();
    return java.util.Objects.requireNonNull(value);
  }

  /** Adds a file of playbooks. */
  Stand playbook(String yaml) {
    try {
      Files.writeString(playbooks.resolve("p" + System.nanoTime() + ".yaml"), yaml);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** A configuration that enforces in the shop, with some lines more. */
  ResponderConfig enforcing(String more) {
    return config("mode: enforce\nenforce: {namespaces: [shop]}\n" + more);
  }

  /** A configuration with some lines more. */
  ResponderConfig config(String more) {
    return ConfigFile.parse(
        """
        kafka: {bootstrap-servers: '%s', prefix: %s}
        http: {address: '127.0.0.1:0'}
        cluster: %s
        trust-domain: example.org
        kubernetes: {kubeconfig: '%s', request-timeout: 10s}
        playbooks: '%s'
        %s
        """
            .formatted(
                kafka.bootstrapServers(),
                kafka.prefix(),
                CLUSTER,
                folder.resolve("kubeconfig"),
                playbooks,
                more),
        "test",
        ResponderConfig.class);
  }

  /** Starts a responder and waits until it is ready. */
  Responder start(ResponderConfig config) {
    return start(config, Checkpoint.NONE);
  }

  Responder start(ResponderConfig config, Checkpoint checkpoint) {
    return start(config, InstantSource.system(), checkpoint);
  }

  /** Starts a responder by a clock of the test's, and waits until it is ready. */
  Responder start(ResponderConfig config, InstantSource clock) {
    return start(config, clock, Checkpoint.NONE);
  }

  private Responder start(ResponderConfig config, InstantSource clock, Checkpoint checkpoint) {
    Responder responder = Responder.start(config, clock, checkpoint);
    parts.add(responder);
    eventually("the responder is ready", responder::isReady);
    return responder;
  }

  /** A peer that applies holds and says so. */
  FakePeer peer(String name) {
    return peer(name, null);
  }

  /** A peer in a pod, as far as it knows. */
  FakePeer peer(String name, @Nullable String pod) {
    FakePeer peer = new FakePeer(kafka, name, pod);
    parts.add(peer);
    return peer;
  }

  /** Writes a detection. */
  void detect(Detection detection) {
    String id = detection.detection().id();
    write(
        TopicCatalogue.DETECTIONS,
        detection.target().key(),
        new Envelope<>(id, "//local/detect", detection.detection().time(), detection));
  }

  void write(Topic topic, String key, Envelope<? extends Event> envelope) {
    try {
      producer.send(CloudEvents.toRecord(kafka.topic(topic), key, envelope)).get();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  void write(ProducerRecord<byte[], byte[]> record) {
    try {
      producer.send(record).get();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits for the one containment in a state. */
  Containment awaitState(ContainmentState state) {
    return await(each -> each.containment().state() == state, "a containment is " + state);
  }

  Containment await(Predicate<Containment> wanted, String what) {
    List<Containment> found = new ArrayList<>();
    eventually(
        what,
        () -> {
          found.clear();
          found.addAll(client.list());
          return found.stream().anyMatch(wanted);
        },
        () -> found.toString());
    return found.stream().filter(wanted).findFirst().orElseThrow();
  }

  /** The containments of a target's workload, the one that moved last first. */
  List<Containment> of(Target target) {
    return client.list().stream()
        .filter(
            each ->
                known(target.owner()).equals(each.target().owner())
                    || (each.target().owner() == null
                        && java.util.Objects.equals(target.spiffeId(), each.target().spiffeId())))
        .toList();
  }

  /** Every record on a topic, by key and value, tombstones too. */
  List<ConsumerRecord<byte[], byte[]>> records(Topic topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    Map<String, Object> settings = kafka.reader("test");
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 10);
    try (KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions =
          reader.partitionsFor(kafka.topic(topic)).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      reader.assign(partitions);
      reader.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = new HashMap<>(reader.endOffsets(partitions));
      ends.values().removeIf(end -> end == 0);
      while (!ends.isEmpty()) {
        reader.poll(Duration.ofMillis(100)).forEach(records::add);
        ends.entrySet().removeIf(end -> reader.position(end.getKey()) >= end.getValue());
      }
    }
    return records;
  }

  /** The keys of a compacted topic that live. */
  Set<String> keys(Topic topic) {
    Map<String, Boolean> live = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
      live.put(new String(record.key(), UTF_8), record.value() != null);
    }
    live.values().removeIf(value -> !value);
    return live.keySet();
  }

  /** The holds that live. */
  List<Quarantine> holds() {
    Map<String, Quarantine> live = new java.util.LinkedHashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : records(TopicCatalogue.QUARANTINE)) {
      String key = new String(record.key(), UTF_8);
      if (record.value() == null) {
        live.remove(key);
      } else {
        live.put(key, CloudEvents.fromRecord(record, Quarantine.class).data());
      }
    }
    return List.copyOf(live.values());
  }

  /** The names of the platform threads that run and begin so. */
  static List<String> threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(prefix))
        .toList();
  }

  /** What a responder answers under {@code /metrics}. */
  static String metrics(Responder responder) {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(responder.httpUri().resolve("/metrics")).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static void eventually(String what, BooleanSupplier condition) {
    eventually(what, condition, () -> "");
  }

  static void eventually(
      String what, BooleanSupplier condition, java.util.function.Supplier<String> last) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime())
          .as("%s within %s: %s", what, PATIENCE, last.get())
          .isLessThan(end);
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
    }
  }

  @Override
  public void close() {
    for (AutoCloseable part : parts.reversed()) {
      try {
        part.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
    client.close();
    producer.close();
    shop.close();
    kubernetes.close();
  }
}
