package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  @Test
  void servesProducersAndConsumers() throws Exception {
    try (var kafka = EmbeddedKafka.start()) {
      var clients = new KafkaClients(kafka);
      clients.createTopic("alerts");
      clients.produce("alerts", "one", "two");

      assertThat(clients.consume("group", "alerts", 2)).containsExactly("one", "two");
    }
  }

  /** The quickest of some starts, since other builds may share this machine. */
  @Test
  void startsWithinFiveSeconds() {
    var quickest = Duration.ofDays(1);
    for (int i = 0; i < 3; i++) {
      long before = System.nanoTime();
      try (var kafka = EmbeddedKafka.start()) {
        assertThat(kafka.bootstrapServers()).startsWith("127.0.0.1:");
        var taken = Duration.ofNanos(System.nanoTime() - before);
        quickest = taken.compareTo(quickest) < 0 ? taken : quickest;
      }
    }
    assertThat(quickest).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void showsCommittedTransactionsOnly() throws Exception {
    try (var kafka = EmbeddedKafka.start()) {
      var clients = new KafkaClients(kafka);
      clients.createTopic("responses");
      try (var producer = clients.producer(Map.of("transactional.id", "responder-0"))) {
        producer.initTransactions();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("responses", "aborted"));
        producer.flush();
        producer.abortTransaction();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("responses", "committed"));
        producer.commitTransaction();
      }

      assertThat(clients.consume("group", "responses", 1)).containsExactly("committed");
    }
  }

  @Test
  void keepsPortRecordsOffsetsAndTransactionsOverARestart() throws Exception {
    try (var kafka = EmbeddedKafka.start()) {
      var clients = new KafkaClients(kafka);
      clients.createTopic("in");
      clients.createTopic("out");
      clients.produce("in", "one", "two");
      assertThat(clients.consume("reader", "in", 2)).containsExactly("one", "two");
      var input = new TopicPartition("in", 0);
      String address = kafka.bootstrapServers();
      try (var producer = clients.producer(Map.of("transactional.id", "responder-0"));
          var member = clients.consumer("worker")) {
        producer.initTransactions();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("out", "done"));
        producer.sendOffsetsToTransaction(
            Map.of(input, new OffsetAndMetadata(1)), member.groupMetadata());
        producer.commitTransaction();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("out", "open"));
        producer.flush();

        kafka.stop();
        kafka.restart();

        producer.abortTransaction();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("out", "done again"));
        producer.commitTransaction();
      }
      clients.produce("in", "three");

      assertThat(kafka.bootstrapServers()).isEqualTo(address);
      assertThat(clients.consume("reader", "in", 1)).containsExactly("three");
      assertThat(clients.consume("worker", "in", 2)).containsExactly("two", "three");
      assertThat(clients.consume("reader", "out", 2)).containsExactly("done", "done again");
    }
  }

  @Test
  void takesOverTheDirectoryOfAnEarlierBroker(@TempDir Path directory) throws Exception {
    try (var earlier = EmbeddedKafka.start(directory)) {
      var clients = new KafkaClients(earlier);
      clients.createTopic("alerts");
      clients.produce("alerts", "one");
    }

    try (var later = EmbeddedKafka.start(directory)) {
      assertThat(new KafkaClients(later).consume("group", "alerts", 1)).containsExactly("one");
    }
    assertThat(directory).isNotEmptyDirectory();
  }

  @Test
  void runsBesideAnotherBroker() throws Exception {
    try (var one = EmbeddedKafka.start();
        var other = EmbeddedKafka.start()) {
      assertThat(one.bootstrapServers()).isNotEqualTo(other.bootstrapServers());
      for (Broker broker : List.of(one, other)) {
        var clients = new KafkaClients(broker);
        clients.createTopic("alerts");
        clients.produce("alerts", broker.bootstrapServers());
        assertThat(clients.consume("group", "alerts", 1))
            .containsExactly(broker.bootstrapServers());
      }
    }
  }

  @Test
  void createsNoTopicByUse() throws Exception {
    try (var kafka = EmbeddedKafka.start();
        var producer = new KafkaClients(kafka).producer(Map.of("max.block.ms", 500))) {
      assertThatThrownBy(() -> producer.partitionsFor("unknown"))
          .isInstanceOf(TimeoutException.class);
    }
  }

  @Test
  void refusesClientsWhomAnAuthorizerDoesNotKnow() {
    try (var kafka = EmbeddedKafka.start(authorizing("User:somebody"));
        var producer = new KafkaClients(kafka).producer(Map.of())) {
      assertThatThrownBy(() -> producer.partitionsFor("alerts"))
          .isInstanceOf(TopicAuthorizationException.class);
    }
  }

  @Test
  void servesClientsWhomAnAuthorizerKnows() throws Exception {
    try (var kafka = EmbeddedKafka.start(authorizing("User:ANONYMOUS"))) {
      var clients = new KafkaClients(kafka);
      clients.createTopic("alerts");
      try (var producer = clients.producer(Map.of("transactional.id", "detect-0"))) {
        producer.initTransactions();
        producer.beginTransaction();
        var _ = producer.send(new ProducerRecord<>("alerts", "committed"));
        producer.commitTransaction();
      }

      assertThat(clients.consume("group", "alerts", 1)).containsExactly("committed");
    }
  }

  @Test
  void servesOnlyClientsWithAnSvidOverMutualTls() throws Exception {
    var shop = TestTrustDomain.create("shop.test");
    var settings = new HashMap<String, String>();
    settings.put("listener.security.protocol.map", "CLIENT:SSL");
    settings.put("listener.name.client.ssl.client.auth", "required");
    tls(shop, "kafka")
        .forEach((name, value) -> settings.put("listener.name.client." + name, value));
    try (var kafka = EmbeddedKafka.start(settings)) {
      var client = new HashMap<>(tls(shop, "detect"));
      client.put("security.protocol", "SSL");
      client.put("ssl.endpoint.identification.algorithm", "");
      var clients = new KafkaClients(kafka, client);
      clients.createTopic("alerts");
      clients.produce("alerts", "one");
      assertThat(clients.consume("group", "alerts", 1)).containsExactly("one");

      client.putAll(tls(TestTrustDomain.create("shop.test"), "thief"));
      client.put(
          "ssl.truststore.certificates", tls(shop, "detect").get("ssl.truststore.certificates"));
      assertThatThrownBy(() -> new KafkaClients(kafka, client).createTopic("more"))
          .hasCauseInstanceOf(SslAuthenticationException.class);
    }
  }

  @Test
  void refusesSettingsThatAreItsOwn() {
    assertThatThrownBy(() -> EmbeddedKafka.start(Map.of("listeners", "CLIENT://0.0.0.0:9092")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'listeners'");
  }

  @Test
  void refusesADirectoryThatHoldsSomethingElse(@TempDir Path directory) throws IOException {
    Path letter = Files.writeString(directory.resolve("letter.txt"), "not a log");

    assertThatThrownBy(() -> EmbeddedKafka.start(directory))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("letter.txt");
    assertThat(directory).isDirectoryContaining(letter::equals);
  }

  @Test
  void refusesADirectoryInUseAndLeavesItsUserAlone(@TempDir Path directory) throws Exception {
    try (var kafka = EmbeddedKafka.start(directory)) {
      assertThatThrownBy(() -> EmbeddedKafka.start(directory))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(directory.toString());

      var clients = new KafkaClients(kafka);
      clients.createTopic("alerts");
      clients.produce("alerts", "one");
      assertThat(clients.consume("group", "alerts", 1)).containsExactly("one");
    }
  }

  @Test
  void waitsForItsPortWhenItComesBack() throws Exception {
    try (var kafka = EmbeddedKafka.start();
        var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      String address = kafka.bootstrapServers();
      int port = Integer.parseInt(address.substring(address.indexOf(':') + 1));
      kafka.stop();
      CompletableFuture<Void> back;
      try (var taken = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        assertThat(taken.isBound()).isTrue();
        back = CompletableFuture.runAsync(kafka::restart, executor);
      }
      back.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);

      new KafkaClients(kafka).createTopic("alerts");
      assertThat(kafka.bootstrapServers()).isEqualTo(address);
    }
  }

  @Test
  void leavesNoThreadAndNoFile() throws Exception {
    Set<Thread> threadsBefore = Thread.getAllStackTraces().keySet();
    Path directory;
    try (var kafka = EmbeddedKafka.start()) {
      directory = kafka.dataDirectory();
      assertThat(directory).isNotEmptyDirectory();
      var clients = new KafkaClients(kafka);
      clients.createTopic("alerts");
      clients.produce("alerts", "one");
      clients.consume("group", "alerts", 1);
    }

    assertThat(directory).doesNotExist();
    // A thread may end a moment after whoever ended it was told so; one that is left never ends.
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!threadsSince(threadsBefore).isEmpty() && System.nanoTime() - end < 0) {
      Thread.sleep(10);
    }
    assertThat(threadsSince(threadsBefore)).isEmpty();
  }

  private static List<Thread> threadsSince(Set<Thread> before) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !before.contains(thread))
        // The meters of Kafka's metrics library tick in two daemon threads once for the whole JVM.
        .filter(thread -> !thread.getName().startsWith("metrics-meter-tick-thread-"))
        .toList();
  }

  @Test
  void cannotComeBackOnceClosed() {
    var kafka = EmbeddedKafka.start();
    kafka.close();
    kafka.close();

    assertThatThrownBy(kafka::restart)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  /** Kafka's settings for an SVID of this workload and the bundle of its trust domain, in PEM. */
  private static Map<String, String> tls(TestTrustDomain trustDomain, String workload)
      throws Exception {
    var svid = trustDomain.issue(trustDomain.name().id("/" + workload));
    return Map.of(
        "ssl.keystore.type", "PEM",
        "ssl.keystore.certificate.chain", pem("CERTIFICATE", svid.leaf().getEncoded()),
        "ssl.keystore.key", pem("PRIVATE KEY", svid.privateKey().getEncoded()),
        "ssl.truststore.type", "PEM",
        "ssl.truststore.certificates", pem("CERTIFICATE", trustDomain.x509Bundle()));
  }

  private static String pem(String label, byte[] der) {
    return "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n"
        .formatted(label, Base64.getMimeEncoder().encodeToString(der));
  }

  private static Map<String, String> authorizing(String superUser) {
    return Map.of(
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users",
        superUser);
  }
}
