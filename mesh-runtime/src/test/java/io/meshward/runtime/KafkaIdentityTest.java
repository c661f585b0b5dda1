package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.WorkloadEntry;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.security.auth.AuthenticationContext;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SaslAuthenticationContext;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka with SPIFFE identities, on a real broker. */
class KafkaIdentityTest {
  private static final String AUTHORIZER =
      "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
  private static final String ALLOWED_KEY_FILES = "org.apache.kafka.sasl.oauthbearer.allowed.urls";

  private final TestMesh mesh = TestMesh.start("shop.test");
  private final SpiffeId broker = mesh.trustDomain().name().id("/ns/kafka/sa/broker");
  private final SpiffeId orders = mesh.trustDomain().name().id("/ns/shop/sa/orders");
  private final SpiffeId frontend = mesh.trustDomain().name().id("/ns/shop/sa/frontend");
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
    mesh.close();
  }

  @Test
  void aClientTalksOnlyToABrokerOfTheIdentityItExpects() throws Exception {
    EmbeddedKafka kafka = start(Map.of(KafkaSettings.QUARANTINE, "none"));
    assertThat(clusterId(client(kafka, orders, broker))).isNotEmpty();

    assertThatThrownBy(() -> clusterId(client(kafka, orders, frontend)))
        .isInstanceOf(SslAuthenticationException.class)
        .hasStackTraceContaining("unexpected_peer_id");
  }

  @Test
  void aBrokerServesNoClientOfAnotherTrustDomainAndNoneWithoutACertificate() throws Exception {
    EmbeddedKafka kafka = start(Map.of(KafkaSettings.QUARANTINE, "none"));
    TestTrustDomain other = TestTrustDomain.create("other.test");
    TestMesh strangers = closing(TestMesh.start(other));
    // The stranger trusts the broker, but not the other way round.
    other.federateWith(mesh.trustDomain());
    Map<String, Object> stranger = client(kafka, orders, broker);
    stranger.put(KafkaSettings.WORKLOAD_API, strangers.addressFor("/ns/shop/sa/orders"));

    assertThatThrownBy(() -> clusterId(stranger)).isInstanceOf(SslAuthenticationException.class);
    int port = Integer.parseInt(kafka.bootstrapServers().split(":", -1)[1]);
    SSLContext nobody = Attacker.context(null);
    try (Socket tls = nobody.getSocketFactory().createSocket("127.0.0.1", port)) {
      tls.setSoTimeout(20_000);
      // In TLS 1.3 a client has finished before the server sees that its certificate is missing.
      ((SSLSocket) tls).startHandshake();
      assertThatThrownBy(() -> tls.getInputStream().read())
          .isInstanceOf(SSLException.class)
          .hasMessageContaining("certificate_required");
    }
    Map<String, Object> plaintext = new HashMap<>();
    plaintext.put("bootstrap.servers", kafka.bootstrapServers());
    plaintext.put("default.api.timeout.ms", 1_000);
    plaintext.put("request.timeout.ms", 500);
    assertThatThrownBy(() -> clusterId(plaintext)).isInstanceOf(KafkaException.class);
  }

  @Test
  void producersGoOnWhileSvidsAndRootsRotate() throws Exception {
    EmbeddedKafka kafka = start(Map.of(KafkaSettings.QUARANTINE, "none"));
    createTopic(client(kafka, orders, broker), "letters");
    RecordingSink events = new RecordingSink();
    MeshRuntime runtime =
        closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(orders))
                .events(events)
                .withoutQuarantine()
                .start());
    Map<String, Object> settings = new HashMap<>(runtime.kafkaClient(broker.toString()));
    settings.put("bootstrap.servers", kafka.bootstrapServers());
    KafkaProducer<byte[], byte[]> longLived = producer(settings);
    // Each send dials anew.
    settings.put("connections.max.idle.ms", 1);
    KafkaProducer<byte[], byte[]> dialling = producer(settings);
    send(longLived);
    send(dialling);
    TlsHandshake seen = events.await(TlsHandshake.class, any -> true);
    assertThat(seen.tls().role()).isEqualTo(TlsHandshake.Role.CLIENT);
    assertThat(seen.tls().result()).isEqualTo(TlsHandshake.Result.SUCCESS);
    assertThat(seen.tls().provider()).isEqualTo("jdk");
    assertThat(seen.peer().id()).isEqualTo(broker);
    Map<String, Object> misled = new HashMap<>(runtime.kafkaClient(frontend.toString()));
    misled.put("bootstrap.servers", kafka.bootstrapServers());
    assertThatThrownBy(() -> clusterId(misled)).isInstanceOf(SslAuthenticationException.class);
    TlsHandshake refused =
        events.await(
            // A connection that is idle for so short may end in the midst of its handshake, too.
            TlsHandshake.class, event -> "unexpected_peer_id".equals(event.tls().detail()));
    assertThat(refused.tls().result()).isNotEqualTo(TlsHandshake.Result.SUCCESS);
    assertThat(refused.peer().claimedId()).isEqualTo(broker.toString());

    mesh.trustDomain().prepareX509Authority();
    Eventually.await("the new root", () -> authorities(runtime) == 2);
    mesh.trustDomain().activateX509Authority();
    IssuedSvid ofBroker = mesh.workload(broker).rotate().get(0);
    Eventually.await(
        "the broker's new SVID",
        () -> ofBroker.serialNumber().equals(presented(runtime, kafka).getSerialNumber()));
    send(dialling);
    IssuedSvid ofOrders = mesh.workload(orders).rotate().get(0);
    Eventually.await("ours", () -> runtime.svid().leaf().equals(ofOrders.leaf()));
    send(dialling);
    mesh.trustDomain().retireX509Authorities();
    Eventually.await("the end of the old root", () -> authorities(runtime) == 1);
    send(dialling);
    // Who comes only now knows nothing but the new root.
    assertThat(clusterId(client(kafka, frontend, broker))).isNotEmpty();
    // What was proved by the old one is worth nothing now: this connection is judged again, is
    // closed, and comes back with the new SVID.
    send(longLived);
  }

  private int authorities(MeshRuntime runtime) {
    TrustBundle bundle = runtime.identity().bundles().get(mesh.trustDomain().name());
    return bundle == null ? 0 : bundle.authorities().size();
  }

  private X509Certificate presented(MeshRuntime runtime, EmbeddedKafka kafka) {
    int port = Integer.parseInt(kafka.bootstrapServers().split(":", -1)[1]);
    try (Socket open = new Socket(InetAddress.getLoopbackAddress(), port);
        SSLSocket tls = runtime.tls().clientSocket(open, broker::equals)) {
      tls.startHandshake();
      return (X509Certificate) tls.getSession().getPeerCertificates()[0];
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aHoldEndsLiveConnectionsOfItsSubjectAndItsReleaseLetsItBackIn() throws Exception {
    Broker holds = closing(Brokers.start());
    MeshTopics.create(holds, TopicCatalogue.QUARANTINE);
    MeshTopics topics = closing(new MeshTopics(holds));
    EmbeddedKafka kafka =
        start(
            Map.of(
                KafkaSettings.QUARANTINE_CLIENT + "bootstrap.servers",
                holds.bootstrapServers(),
                KafkaSettings.TOPIC_PREFIX,
                MeshTopics.PREFIX));
    createTopic(patient(client(kafka, orders, broker)), "letters");
    Map<String, Object> hasty = client(kafka, orders, broker);
    hasty.put("delivery.timeout.ms", 1_500);
    hasty.put("request.timeout.ms", 1_000);
    hasty.put("max.block.ms", 1_500);
    KafkaProducer<byte[], byte[]> held = producer(hasty);
    KafkaProducer<byte[], byte[]> other = producer(patient(client(kafka, frontend, broker)));
    await("the first letter", () -> sends(held));
    send(other);

    Quarantine hold =
        new Quarantine(
            new Quarantine.Hold("c1", "test", "test", Instant.now(), null, null),
            Subject.of(orders));
    topics.write(TopicCatalogue.QUARANTINE, hold.key().toString(), EventCodec.encode(hold));

    await("refusal", () -> !sends(held));
    send(other);

    topics.write(TopicCatalogue.QUARANTINE, hold.key().toString(), null);

    await("release", () -> sends(held));
    judgesTokensByWhenTheyWereIssued(topics, holds);
  }

  private void judgesTokensByWhenTheyWereIssued(MeshTopics topics, Broker holds) {
    Map<String, Object> settings = new HashMap<>(workloadApi(broker));
    settings.put(KafkaSettings.QUARANTINE_CLIENT + "bootstrap.servers", holds.bootstrapServers());
    settings.put(KafkaSettings.TOPIC_PREFIX, MeshTopics.PREFIX);
    MeshPrincipalBuilder principals = closing(new MeshPrincipalBuilder());
    principals.configure(settings);
    Instant issued = Instant.now();
    SaslAuthenticationContext token = BearerOfToken.of(frontend, issued);
    SaslAuthenticationContext timeless = BearerOfToken.of(frontend, null);
    assertThat(principals.build(token).getName()).isEqualTo(frontend.toString());

    place(topics, issued.plusSeconds(60));
    await("refusal of older tokens", () -> isRefused(principals, token));
    place(topics, issued.minusSeconds(60));
    await("release of newer tokens", () -> !isRefused(principals, token));
    assertThat(isRefused(principals, timeless)).as("a token that does not say when").isTrue();
  }

  private void place(MeshTopics topics, Instant issuedBefore) {
    Quarantine hold =
        new Quarantine(
            new Quarantine.Hold("c2", "test", "test", Instant.now(), null, issuedBefore),
            Subject.of(frontend));
    topics.write(TopicCatalogue.QUARANTINE, hold.key().toString(), EventCodec.encode(hold));
  }

  private static boolean isRefused(MeshPrincipalBuilder principals, AuthenticationContext client) {
    try {
      KafkaPrincipal unused = principals.build(client);
      return false;
    } catch (AuthenticationException refused) {
      assertThat(refused).hasMessageContaining("quarantined: held by containment c2");
      return true;
    }
  }

  @Test
  void aRevocationListEndsLiveConnectionsAndKeepsClientsFromARevokedBroker(
      @TempDir Path ofBroker, @TempDir Path ofClients) throws Exception {
    ForgedSvids.Signer root = new ForgedSvids(mesh.trustDomain()).root();
    EmbeddedKafka kafka =
        start(
            Map.of(
                KafkaSettings.QUARANTINE,
                "none",
                KafkaSettings.CRL_DIRECTORY,
                ofBroker.toString()));
    createTopic(client(kafka, frontend, broker), "letters");
    MeshRuntime runtime =
        closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(orders))
                .revocation(RevocationOptions.DEFAULT.crlDirectory(ofClients))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    Map<String, Object> hasty = new HashMap<>(runtime.kafkaClient(broker.toString()));
    hasty.put("bootstrap.servers", kafka.bootstrapServers());
    hasty.put("reconnect.backoff.max.ms", 100);
    hasty.put("delivery.timeout.ms", 1_500);
    hasty.put("request.timeout.ms", 1_000);
    hasty.put("max.block.ms", 1_500);
    KafkaProducer<byte[], byte[]> revoked = producer(hasty);
    await("the first letter", () -> sends(revoked));

    Files.write(ofBroker.resolve("root.crl"), TestRevocations.by(root).der(runtime.svid().leaf()));

    await("refusal", () -> !sends(revoked));
    send(producer(client(kafka, frontend, broker)));
    IssuedSvid next = mesh.workload(orders).rotate().get(0);
    Eventually.await("the next SVID", () -> runtime.svid().leaf().equals(next.leaf()));
    await("a letter by the next SVID", () -> sends(revoked));

    X509Certificate shown = presented(runtime, kafka);
    Files.write(ofClients.resolve("root.crl"), TestRevocations.by(root).der(shown));
    Map<String, Object> alone = client(kafka, frontend, broker);
    alone.put(KafkaSettings.CRL_DIRECTORY, ofClients.toString());
    assertThatThrownBy(() -> clusterId(alone))
        .isInstanceOf(SslAuthenticationException.class)
        .hasStackTraceContaining("revoked");
    Map<String, Object> shared = new HashMap<>(runtime.kafkaClient(broker.toString()));
    shared.put("bootstrap.servers", kafka.bootstrapServers());
    await("the runtime to read the list", () -> isRefusedAsRevoked(shared));
  }

  private static boolean isRefusedAsRevoked(Map<String, Object> client) {
    try {
      String unused = clusterId(new HashMap<>(client));
      return false;
    } catch (SslAuthenticationException refused) {
      // One that is open when the list is read is cut; the next one is refused in its handshake.
      if (String.valueOf(refused.getCause()).contains("the connection is cut")) {
        return false;
      }
      assertThat(refused).hasStackTraceContaining("revoked");
      return true;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void beforeTheQuarantineIsReadABrokerServesItselfAndWhoIsProtectedOnly() throws Exception {
    EmbeddedKafka kafka =
        start(
            Map.of(
                KafkaSettings.QUARANTINE_CLIENT + "bootstrap.servers",
                "127.0.0.1:1",
                KafkaSettings.PROTECTED,
                frontend.toString()));

    assertThat(clusterId(client(kafka, broker, broker))).isNotEmpty();
    assertThat(clusterId(client(kafka, frontend, broker))).isNotEmpty();
    Map<String, Object> hasty = client(kafka, orders, broker);
    hasty.put("default.api.timeout.ms", 1_000);
    hasty.put("request.timeout.ms", 500);
    assertThatThrownBy(() -> clusterId(hasty)).isInstanceOf(TimeoutException.class);
  }

  @Test
  void aBrokerSaysWhatItIsMissing() {
    assertThatThrownBy(() -> new MeshPrincipalBuilder().configure(workloadApi(broker)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("meshward.quarantine.bootstrap.servers")
        .hasMessageContaining("meshward.quarantine=none");
    Map<String, Object> client = new HashMap<>(workloadApi(orders));
    client.put("bootstrap.servers", "127.0.0.1:1");
    assertThatThrownBy(() -> new MeshSslEngineFactory().configure(client))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("meshward.brokers is absent");
    client.put(KafkaSettings.BROKERS, "kafka");
    assertThatThrownBy(() -> new MeshSslEngineFactory().configure(client))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("'kafka' is not a pattern of SPIFFE IDs");
    client.put(KafkaSettings.BROKERS, broker.toString());
    client.put(KafkaSettings.WORKLOAD_API, "kafka:9092");
    client.put(KafkaSettings.CRL_UNDETERMINED, "accept");
    assertThatThrownBy(() -> new MeshSslEngineFactory().configure(client))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("meshward.crl.undetermined")
        .hasMessageContaining("expected refuse");
    client.remove(KafkaSettings.CRL_UNDETERMINED);
    assertThatThrownBy(() -> new MeshSslEngineFactory().configure(client))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("meshward.workload.api")
        .hasMessageContaining("unix:/absolute/path");
  }

  @Test
  void clientsOfOneProcessShareOneWatchWhichEndsWithTheLast() throws Exception {
    EmbeddedKafka kafka = start(Map.of(KafkaSettings.QUARANTINE, "none"));
    try (Admin one = Admin.create(client(kafka, orders, broker))) {
      assertThat(one.describeCluster().clusterId().get(30, TimeUnit.SECONDS)).isNotEmpty();
      try (Admin two = Admin.create(client(kafka, orders, broker))) {
        assertThat(two.describeCluster().clusterId().get(30, TimeUnit.SECONDS)).isNotEmpty();
        assertThat(mesh.workload(orders).openStreams()).isEqualTo(1);
      }
      assertThat(mesh.workload(orders).openStreams()).isEqualTo(1);
    }

    Eventually.await("the end of the watch", () -> mesh.workload(orders).openStreams() == 0);
  }

  @Test
  void whoWaitsForAnSvidKeepsNoOtherIdentityWaitingAndWhoGivesUpNobody() throws Exception {
    KafkaSettings late = KafkaSettings.of(workloadApi(frontend));
    mesh.workload(frontend).fallSilent();
    CompletableFuture<KafkaIdentities.Lease> patient = leased(late);
    CompletableFuture<KafkaIdentities.Lease> impatient = new CompletableFuture<>();
    Thread givesUp = Thread.ofVirtual().start(() -> complete(impatient, late));
    Eventually.await("the watch", () -> mesh.workload(frontend).openStreams() == 1);

    try (KafkaIdentities.Lease other =
        KafkaIdentities.lease(KafkaSettings.of(workloadApi(orders)))) {
      assertThat(other.identity().knownToClients().bundles()).containsKey(orders.trustDomain());
    }
    assertThat(patient).isNotDone();
    givesUp.interrupt();
    assertThat(impatient)
        .failsWithin(Duration.ofSeconds(30))
        .withThrowableThat()
        .withMessageContaining("interrupted");
    assertThat(patient).isNotDone();

    mesh.workload(frontend).resume();
    try (KafkaIdentities.Lease lease = patient.get(30, TimeUnit.SECONDS)) {
      assertThat(lease.identity().knownToClients().bundles()).containsKey(frontend.trustDomain());
    }
    Eventually.await("the end of the watch", () -> mesh.workload(frontend).openStreams() == 0);
  }

  private static CompletableFuture<KafkaIdentities.Lease> leased(KafkaSettings settings) {
    CompletableFuture<KafkaIdentities.Lease> lease = new CompletableFuture<>();
    Thread unused = Thread.ofVirtual().start(() -> complete(lease, settings));
    return lease;
  }

  private static void complete(
      CompletableFuture<KafkaIdentities.Lease> lease, KafkaSettings settings) {
    try {
      lease.complete(KafkaIdentities.lease(settings));
    } catch (RuntimeException e) {
      lease.completeExceptionally(e);
    }
  }

  @Test
  void aRuntimesOwnClientsAndThoseOfItsServiceAreTheWorkload() throws Exception {
    EmbeddedKafka kafka =
        start(
            Map.of(
                KafkaSettings.QUARANTINE,
                "none",
                "authorizer.class.name",
                AUTHORIZER,
                "super.users",
                "User:" + orders));
    createTopic(client(kafka, orders, broker), "letters");
    try (Admin admin = Admin.create(client(kafka, orders, broker))) {
      MeshTopics.createAll(admin);
    }
    MeshRuntime runtime =
        closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(orders))
                .kafka(
                    Map.of(
                        "bootstrap.servers",
                        kafka.bootstrapServers(),
                        "security.protocol",
                        "SSL",
                        "ssl.engine.factory.class",
                        MeshSslEngineFactory.class.getName(),
                        KafkaSettings.BROKERS,
                        broker.toString()),
                    MeshTopics.PREFIX)
                .start());

    assertThat(runtime.status().open()).isTrue();
    assertThat(runtime.status().dropped().values()).allMatch(dropped -> dropped == 0);
    Map<String, Object> own = new HashMap<>(runtime.kafkaClient(broker.toString()));
    own.put("bootstrap.servers", kafka.bootstrapServers());
    send(producer(own));
    Eventually.await("the one watch is left", () -> mesh.workload(orders).openStreams() == 1);
    assertThatThrownBy(() -> runtime.kafkaClient()).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void eventsAreSentOnceTheBrokerThatWasNotTrustedAtFirstIs() throws Exception {
    EmbeddedKafka kafka = start(Map.of(KafkaSettings.QUARANTINE, "none"));
    TestTrustDomain other = TestTrustDomain.create("other.test");
    TestMesh strangers = closing(TestMesh.start(other));
    mesh.trustDomain().federateWith(other);
    Map<String, Object> stranger = client(kafka, orders, broker);
    stranger.put(KafkaSettings.WORKLOAD_API, strangers.addressFor("/ns/shop/sa/orders"));
    try (Admin admin = Admin.create(client(kafka, orders, broker))) {
      MeshTopics.createAll(admin);
      KafkaEventSink sink =
          closing(new KafkaEventSink(stranger, MeshTopics.PREFIX, unsigned -> {}));
      EventReporter reporter =
          new EventReporter(sink, Clock.systemUTC(), () -> null, null, null, "instance");
      assertThat(reporter.lifecycle(new LifecycleChange(Change.FETCHED).build())).isTrue();
      await("the refusal", () -> sink.dropped(EventClass.LIFECYCLE) == 1);

      other.federateWith(mesh.trustDomain());

      await(
          "an event",
          () -> {
            boolean unused = reporter.lifecycle(new LifecycleChange(Change.FETCHED).build());
            return written(admin) > 0;
          });
    }
  }

  private static long written(Admin admin) {
    String topic = TopicCatalogue.EVENTS_IDENTITY.name(MeshTopics.PREFIX);
    try {
      int partitions =
          requireNonNull(
                  admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic),
                  "the topic is there")
              .partitions()
              .size();
      Map<TopicPartition, OffsetSpec> all = new HashMap<>();
      for (int i = 0; i < partitions; i++) {
        all.put(new TopicPartition(topic, i), OffsetSpec.latest());
      }
      return admin.listOffsets(all).all().get().values().stream()
          .mapToLong(ListOffsetsResultInfo::offset)
          .sum();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRuntimeWhoseKafkaCannotBeSetUpLeavesNothingOpen() {
    MeshRuntimeBuilder wrong =
        MeshRuntime.builder()
            .workloadApi(mesh.addressFor(orders))
            .kafka(Map.of("bootstrap.servers", "no server"), MeshTopics.PREFIX);
    assertThatThrownBy(wrong::start).isInstanceOf(KafkaException.class);
    int before = openFiles();

    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(wrong::start).isInstanceOf(KafkaException.class);
    }

    // A client of the Workload API that stays has three.
    Eventually.await("the files are closed", () -> openFiles() < before + 20);
  }

  private static int openFiles() {
    String[] open = new File("/proc/self/fd").list();
    return open == null ? 0 : open.length;
  }

  @Test
  void aManagedBrokerTakesAJwtSvidForItsAudienceAndNoOther(@TempDir Path directory)
      throws Exception {
    Path keys = Files.writeString(directory.resolve("keys.json"), mesh.trustDomain().jwtBundle());
    String allowed = System.setProperty(ALLOWED_KEY_FILES, keys.toUri().toString());
    try {
      Map<String, String> settings = new HashMap<>();
      settings.put("listener.security.protocol.map", "CLIENT:SASL_PLAINTEXT");
      String listener = "listener.name.client.";
      settings.put(listener + "sasl.enabled.mechanisms", "OAUTHBEARER");
      settings.put(listener + "oauthbearer.sasl.jaas.config", LOGIN);
      settings.put(
          listener + "oauthbearer.sasl.server.callback.handler.class",
          "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler");
      settings.put(listener + "sasl.oauthbearer.jwks.endpoint.url", keys.toUri().toString());
      settings.put(listener + "sasl.oauthbearer.expected.audience", "kafka");
      settings.put("authorizer.class.name", AUTHORIZER);
      settings.put("super.users", "User:" + orders);
      EmbeddedKafka kafka = closing(EmbeddedKafka.start(settings));

      createTopic(bearer(kafka, orders, "kafka"), "letters");
      send(producer(bearer(kafka, orders, "kafka")));
      assertThatThrownBy(() -> createTopic(bearer(kafka, frontend, "kafka"), "more"))
          .hasCauseInstanceOf(AuthorizationException.class);
      assertThatThrownBy(() -> clusterId(bearer(kafka, orders, "other")))
          .isInstanceOf(SaslAuthenticationException.class);
      theBrokerSeesTheIdentityThatWasChosen(kafka);
    } finally {
      if (allowed == null) {
        System.clearProperty(ALLOWED_KEY_FILES);
      } else {
        System.setProperty(ALLOWED_KEY_FILES, allowed);
      }
    }
  }

  private void theBrokerSeesTheIdentityThatWasChosen(EmbeddedKafka kafka) throws Exception {
    SpiffeId several = mesh.trustDomain().name().id("/ns/shop/sa/several");
    mesh.workload(several).serve(WorkloadEntry.of(frontend), WorkloadEntry.of(orders));
    Map<String, Object> chosen = bearer(kafka, several, "kafka");
    chosen.put(KafkaSettings.SPIFFE_ID, orders.toString());
    createTopic(chosen, "rest");
    Map<String, Object> unchosen = bearer(kafka, several, "kafka");
    unchosen.put("sasl.jaas.config", unchosen.get("sasl.jaas.config") + " ");
    assertThatThrownBy(() -> createTopic(unchosen, "too many"))
        .hasCauseInstanceOf(AuthorizationException.class);

    try (Admin admin = Admin.create(bearer(kafka, orders, "kafka"))) {
      MeshTopics.createAll(admin);
    }
    Map<String, Object> ofRuntime = bearer(kafka, several, "kafka");
    ofRuntime.put("sasl.jaas.config", LOGIN);
    ofRuntime.put(KafkaSettings.AUDIENCE, "kafka");
    // It logs in before it has an SVID, and whoever else it were could not read the quarantine.
    MeshRuntime runtime =
        closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(several))
                .spiffeId(orders)
                .kafka(ofRuntime, MeshTopics.PREFIX)
                .start());
    assertThat(runtime.status().open()).isTrue();
  }

  private static final String LOGIN =
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";

  private Map<String, Object> bearer(EmbeddedKafka kafka, SpiffeId id, String audience) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", kafka.bootstrapServers());
    settings.put("security.protocol", "SASL_PLAINTEXT");
    settings.put("sasl.mechanism", "OAUTHBEARER");
    // Clients with equal lines would share one login.
    settings.put(
        "sasl.jaas.config",
        LOGIN.replace(
            ";",
            " %s=\"%s\" %s=\"%s\";"
                .formatted(
                    KafkaSettings.WORKLOAD_API,
                    mesh.addressFor(id),
                    KafkaSettings.AUDIENCE,
                    audience)));
    settings.put("sasl.login.callback.handler.class", JwtSvidLoginHandler.class.getName());
    return settings;
  }

  private EmbeddedKafka start(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("listener.security.protocol.map", "CLIENT:SSL");
    settings.put("ssl.engine.factory.class", MeshSslEngineFactory.class.getName());
    settings.put("principal.builder.class", MeshPrincipalBuilder.class.getName());
    settings.put(KafkaSettings.WORKLOAD_API, mesh.addressFor(broker));
    return closing(EmbeddedKafka.start(settings));
  }

  private Map<String, Object> client(EmbeddedKafka kafka, SpiffeId id, SpiffeId expected) {
    Map<String, Object> settings = new HashMap<>(workloadApi(id));
    settings.put("bootstrap.servers", kafka.bootstrapServers());
    settings.put("security.protocol", "SSL");
    settings.put("ssl.engine.factory.class", MeshSslEngineFactory.class.getName());
    settings.put(KafkaSettings.BROKERS, expected.toString());
    settings.put("reconnect.backoff.max.ms", 100);
    return settings;
  }

  private Map<String, Object> workloadApi(SpiffeId id) {
    return Map.of(KafkaSettings.WORKLOAD_API, mesh.addressFor(id));
  }

  /** Tries for half a minute, since the quarantine may be read a little after the start. */
  private static Map<String, Object> patient(Map<String, Object> settings) {
    settings.put("max.block.ms", 30_000);
    return settings;
  }

  private static String clusterId(Map<String, Object> settings) throws Exception {
    settings.putIfAbsent("default.api.timeout.ms", 30_000);
    settings.putIfAbsent("request.timeout.ms", 15_000);
    try (Admin admin = Admin.create(settings)) {
      return admin.describeCluster().clusterId().get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private static void createTopic(Map<String, Object> settings, String name) throws Exception {
    try (Admin admin = Admin.create(settings)) {
      admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get(30, TimeUnit.SECONDS);
    }
  }

  private KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
    return closing(
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer()));
  }

  private static void send(KafkaProducer<byte[], byte[]> producer) throws Exception {
    producer.send(letter()).get(30, TimeUnit.SECONDS);
  }

  private static boolean sends(KafkaProducer<byte[], byte[]> producer) {
    try {
      producer.send(letter()).get(30, TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException | KafkaException e) {
      return false;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Longer than elsewhere: each try gives up only after a while. */
  private static void await(String what, BooleanSupplier condition) {
    Eventually.await(() -> what, Duration.ofSeconds(30), condition);
  }

  private static ProducerRecord<byte[], byte[]> letter() {
    return new ProducerRecord<>("letters", "hello".getBytes(UTF_8));
  }

  private <T extends AutoCloseable> T closing(T part) {
    open.push(part);
    return part;
  }
}
