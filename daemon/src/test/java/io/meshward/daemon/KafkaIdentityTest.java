package io.meshward.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.runtime.KafkaSettings;
import io.meshward.runtime.MeshPrincipalBuilder;
import io.meshward.runtime.MeshSslEngineFactory;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Kafka with SPIFFE identities: what {@code topics apply --acls} makes of the catalogue. */
class KafkaIdentityTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final String BROKER = "/ns/kafka/sa/broker";
  private static final String OPERATOR = "/ns/meshward/sa/operator";

  private static TestMesh mesh;
  private static EmbeddedKafka kafka;

  @BeforeAll
  static void startBroker() throws Exception {
    mesh = TestMesh.start("shop.test");
    Map<String, String> settings = new HashMap<>();
    settings.put("listener.security.protocol.map", "CLIENT:SSL");
    settings.put("ssl.engine.factory.class", MeshSslEngineFactory.class.getName());
    settings.put("principal.builder.class", MeshPrincipalBuilder.class.getName());
    settings.put(KafkaSettings.WORKLOAD_API, mesh.addressFor(BROKER));
    settings.put(KafkaSettings.QUARANTINE, "none");
    settings.put(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    settings.put("super.users", principal(OPERATOR));
    kafka = EmbeddedKafka.start(settings);
    try (Admin admin = Admin.create(config(OPERATOR).admin("operator"))) {
      TopicAdmin topics = new TopicAdmin(admin, "meshward", TIMEOUT);
      topics.apply();
      topics.applyAcls(principals());
    }
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config(OPERATOR).producer("seed"))) {
      for (Topic topic : TopicCatalogue.all()) {
        assertThat(writes(producer, topic.name("meshward"))).as(topic.name()).isTrue();
      }
    }
  }

  @AfterAll
  static void stopBroker() {
    if (kafka != null) {
      kafka.close();
    }
    mesh.close();
  }

  @Test
  void onlyWritersOfATopicCanWriteIt() {
    TreeSet<String> wrong = new TreeSet<>();
    for (Topic.Role role : Topic.Role.values()) {
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(config(path(role)).producer("writer"))) {
        for (Topic topic : TopicCatalogue.all()) {
          boolean written = writes(producer, topic.name("meshward"));
          if (written != topic.writers().contains(role)) {
            wrong.add(role + (written ? " can" : " cannot") + " write " + topic.name());
          }
        }
      }
    }

    assertThat(wrong).isEmpty();
  }

  @Test
  void onlyReadersOfATopicCanReadIt() {
    TreeSet<String> wrong = new TreeSet<>();
    for (Topic.Role role : Topic.Role.values()) {
      Set<String> readable = readable(role);
      for (Topic topic : TopicCatalogue.all()) {
        boolean read = readable.contains(topic.name("meshward"));
        if (read != topic.readers().contains(role)) {
          wrong.add(role + (read ? " can" : " cannot") + " read " + topic.name());
        }
      }
    }

    assertThat(wrong).isEmpty();
  }

  @Test
  void anIdentityThatPlaysNoRoleCanNeitherWriteNorReadNorAdminister() throws Exception {
    KafkaConfig stranger = config("/ns/shop/sa/frontend");
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(stranger.producer("writer"));
        Admin admin = Admin.create(stranger.admin("admin"))) {
      for (Topic topic : TopicCatalogue.all()) {
        assertThat(writes(producer, topic.name("meshward"))).as(topic.name()).isFalse();
      }
      assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS)).isEmpty();
      assertThatThrownBy(() -> new TopicAdmin(admin, "meshward", TIMEOUT).applyAcls(principals()))
          .isInstanceOf(TopicAdminException.class)
          .hasMessageContaining("list access control entries");
    }
  }

  @Test
  void aDaemonsConfigurationNamesTheFactoryAndItsSocket() {
    KafkaConfig config = config(path(Topic.Role.INGEST));

    assertThat(config.producer("p"))
        .containsKeys(KafkaSettings.WORKLOAD_API, KafkaSettings.BROKERS);
    assertThatCode(() -> Admin.create(config.admin("a")).close()).doesNotThrowAnyException();
    assertThatThrownBy(
            () -> new KafkaConfig("localhost:1", "p", Map.of("meshward.workload.apo", "unix:/x")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("properties.meshward.workload.apo is unknown");
  }

  /** A producer that is refused before its first record has failed for good. */
  @Test
  void whoDidNotTrustTheBrokerAtItsStartLeavesDeadLettersOnceItDoes() throws Exception {
    TestTrustDomain other = TestTrustDomain.create("other.test");
    mesh.trustDomain().federateWith(other);
    Map<Topic.Role, List<String>> withOther = principals();
    withOther.put(
        Topic.Role.DETECT,
        List.of(
            principal(path(Topic.Role.DETECT)), "User:" + other.name().id("/ns/meshward/sa/late")));
    try (TestMesh strangers = TestMesh.start(other);
        Metrics metrics = new Metrics();
        Admin admin = Admin.create(config(OPERATOR).admin("operator"))) {
      new TopicAdmin(admin, "meshward", TIMEOUT).applyAcls(withOther);
      KafkaConfig late = configBy(strangers.addressFor("/ns/meshward/sa/late"));
      try (DeadLetters letters =
          DeadLetters.start(late, "detect", "//local/detect", InstantSource.system(), metrics)) {
        awaitLetter(letters, metrics, "lost");

        other.federateWith(mesh.trustDomain());

        awaitLetter(letters, metrics, "kept");
      }
    }
  }

  private static void awaitLetter(DeadLetters letters, Metrics metrics, String outcome)
      throws InterruptedException {
    long end = System.nanoTime() + TIMEOUT.toNanos();
    while (!metrics.scrape().contains("outcome=\"" + outcome + "\"")) {
      assertThat(System.nanoTime()).as("a letter is " + outcome).isLessThan(end);
      letters.write(
          null, new DeadLetter.Origin(null, null, null, "sender"), "invalid", "", new byte[0]);
      Thread.sleep(50);
    }
  }

  private static boolean writes(KafkaProducer<byte[], byte[]> producer, String topic) {
    try {
      // By hand: a partitioner would ask for the topic's description first.
      producer
          .send(new ProducerRecord<>(topic, 0, "key".getBytes(UTF_8), "{}".getBytes(UTF_8)))
          .get(30, TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(TopicAuthorizationException.class);
      return false;
    } catch (TopicAuthorizationException e) {
      return false;
    } catch (Exception e) {
      throw new AssertionError("cannot tell whether " + topic + " is written", e);
    }
  }

  /** The topics of which a role gets the record that is there; each of the others is refused. */
  private static Set<String> readable(Topic.Role role) {
    Set<String> open = new TreeSet<>();
    TopicCatalogue.all().forEach(topic -> open.add(topic.name("meshward")));
    Set<String> read = new TreeSet<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config(path(role)).reader("reader"))) {
      long end = System.nanoTime() + TIMEOUT.toNanos();
      while (!open.isEmpty()) {
        assertThat(System.nanoTime()).as(role + " learns about " + open).isLessThan(end);
        List<TopicPartition> partitions =
            open.stream().map(topic -> new TopicPartition(topic, 0)).toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        try {
          consumer.poll(Duration.ofMillis(500)).forEach(record -> read.add(record.topic()));
        } catch (TopicAuthorizationException e) {
          open.removeAll(e.unauthorizedTopics());
        }
        open.removeAll(read);
      }
    }
    return read;
  }

  private static KafkaConfig config(String path) {
    return configBy(mesh.addressFor(path));
  }

  private static KafkaConfig configBy(String workloadApi) {
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
            mesh.trustDomain().name().id(BROKER).toString()));
  }

  private static Map<Topic.Role, List<String>> principals() {
    Map<Topic.Role, List<String>> principals = new EnumMap<>(Topic.Role.class);
    for (Topic.Role role : Topic.Role.values()) {
      principals.put(role, List.of(principal(path(role))));
    }
    return principals;
  }

  private static String path(Topic.Role role) {
    return "/ns/meshward/sa/" + role.label();
  }

  private static String principal(String path) {
    return "User:" + mesh.trustDomain().name().id(path);
  }
}
