package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metrics;
import io.meshward.daemon.TopicAdmin;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.runtime.KafkaSettings;
import io.meshward.runtime.MeshPrincipalBuilder;
import io.meshward.runtime.MeshSslEngineFactory;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The inventory while Kafka does not take it. */
class InventoryWriterTest {
  @TempDir Path folder;

  @Test
  void whatKafkaDidNotTakeIsWrittenOnceItDoes() throws Exception {
    CountDownLatch refused = new CountDownLatch(1);
    try (Stand stand = new Stand(folder);
        Warnings _ = new Warnings(refused::countDown)) {
      stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
      limit(stand, "1");
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing(""));
      Target target = stand.shop.target("frontend");
      assertThat(refused.await(Stand.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

      limit(stand, "1048576");

      Stand.eventually(
          "the pod is in the inventory",
          () ->
              stand.keys(TopicCatalogue.INVENTORY).contains(Stand.CLUSTER + "/" + target.podUid()));
    }
  }

  /** A producer that is refused before its first record has failed for good. */
  @Test
  void whoDidNotTrustTheBrokerAtItsStartWritesOnceItDoes() throws Exception {
    ClusterView view =
        new ClusterView(
            new PodReader(Stand.CLUSTER, TrustDomain.parse("example.org"), false),
            InstantSource.system(),
            Duration.ofMinutes(10));
    view.podSeen(
        new PodBuilder()
            .withNewMetadata()
            .withNamespace("shop")
            .withName("orders-1")
            .withUid("u-1")
            .withCreationTimestamp("2026-01-02T03:04:05Z")
            .endMetadata()
            .withNewSpec()
            .endSpec()
            .build());
    TestTrustDomain other = TestTrustDomain.create("other.test");
    CountDownLatch refused = new CountDownLatch(1);
    try (TestMesh mesh = TestMesh.start("shop.test");
        TestMesh strangers = TestMesh.start(other);
        Metrics metrics = new Metrics();
        Warnings _ = new Warnings(refused::countDown)) {
      mesh.trustDomain().federateWith(other);
      SpiffeId broker = mesh.trustDomain().name().id("/ns/kafka/sa/broker");
      try (EmbeddedKafka kafka = EmbeddedKafka.start(brokerOf(mesh, broker));
          Admin admin =
              Admin.create(client(kafka, mesh.addressFor("/operator"), broker).admin("operator"))) {
        new TopicAdmin(admin, "meshward", Duration.ofSeconds(20)).apply();
        KafkaConfig late = client(kafka, strangers.addressFor("/responder"), broker);
        try (DeadLetters letters =
                DeadLetters.start(
                    late, "responder", "//local/responder", InstantSource.system(), metrics);
            InventoryWriter writer =
                new InventoryWriter(
                    late,
                    Stand.CLUSTER,
                    "//local/responder",
                    view,
                    InstantSource.system(),
                    Duration.ofMinutes(10),
                    letters,
                    () -> true)) {
          assertThat(writer).isNotNull();
          assertThat(refused.await(Stand.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

          other.federateWith(mesh.trustDomain());

          Stand.eventually("the pod is in the inventory", () -> written(admin, late) > 0);
        }
      }
    }
  }

  private static long written(Admin admin, KafkaConfig kafka) {
    TopicPartition inventory = new TopicPartition(kafka.topic(TopicCatalogue.INVENTORY), 0);
    try {
      return admin
          .listOffsets(Map.of(inventory, OffsetSpec.latest()))
          .partitionResult(inventory)
          .get()
          .offset();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static Map<String, String> brokerOf(TestMesh mesh, SpiffeId id) {
    return Map.of(
        "listener.security.protocol.map",
        "CLIENT:SSL",
        "ssl.engine.factory.class",
        MeshSslEngineFactory.class.getName(),
        "principal.builder.class",
        MeshPrincipalBuilder.class.getName(),
        KafkaSettings.WORKLOAD_API,
        mesh.addressFor(id),
        KafkaSettings.QUARANTINE,
        "none");
  }

  private static KafkaConfig client(EmbeddedKafka kafka, String workloadApi, SpiffeId broker) {
    return new KafkaConfig(
        kafka.bootstrapServers(),
        "meshward",
        Map.of(
            "security.protocol",
            "SSL",
            "ssl.engine.factory.class",
            MeshSslEngineFactory.class.getName(),
            KafkaSettings.WORKLOAD_API,
            workloadApi,
            KafkaSettings.BROKERS,
            broker.toString()));
  }

  /** Hears of each warning of the writer. */
  private static final class Warnings extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final Logger logger = (Logger) LoggerFactory.getLogger(InventoryWriter.class);
    private final Runnable heard;

    Warnings(Runnable heard) {
      this.heard = heard;
      logger.addAppender(this);
      start();
    }

    @Override
    protected void append(ILoggingEvent event) {
      heard.run();
    }

    @Override
    public void close() {
      logger.detachAppender(this);
    }
  }

  private static void limit(Stand stand, String bytes) throws Exception {
    ConfigResource topic =
        new ConfigResource(ConfigResource.Type.TOPIC, stand.kafka.topic(TopicCatalogue.INVENTORY));
    ConfigEntry entry = new ConfigEntry(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, bytes);
    try (Admin admin = Admin.create(stand.kafka.admin("test"))) {
      admin
          .incrementalAlterConfigs(
              Map.of(topic, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET))))
          .all()
          .get();
    }
    boolean refuses = bytes.equals("1");
    Stand.eventually("the broker goes by " + bytes, () -> refused(stand) == refuses);
  }

  /** Whether the topic takes no record: one of nothing about nobody tells. */
  private static boolean refused(Stand stand) {
    try {
      stand.write(
          new ProducerRecord<>(
              stand.kafka.topic(TopicCatalogue.INVENTORY), "none/none".getBytes(UTF_8), null));
      return false;
    } catch (IllegalStateException e) {
      assertThat(e).hasRootCauseInstanceOf(RecordTooLargeException.class);
      return true;
    }
  }
}
