package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.TrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A whole mesh over a broker: what goes out, what comes in, and how fast it bites. */
@TestInstance(Lifecycle.PER_CLASS)
class MeshOverKafkaTest {
  private static final Logger log = LoggerFactory.getLogger(MeshOverKafkaTest.class);
  private final Broker kafka = Brokers.start();
  private final Shop shop = new Shop();
  private final MeshTopics topics;

  MeshOverKafkaTest() {
    MeshTopics.createAll(kafka);
    topics = new MeshTopics(kafka);
  }

  @AfterAll
  void close() {
    shop.close();
    topics.close();
    kafka.close();
  }

  @Test
  void reportsWhatItSeesAndAppliesHoldsToLiveCalls() {
    MeshRuntime orders = start(shop.orders.toString());
    Server server = shop.serve(orders);
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    Envelope<TlsHandshake> handshake = await(TlsHandshake.class, EventType.TLS_HANDSHAKE);
    assertThat(handshake.source()).isEqualTo(shop.orders.toString());
    assertThat(handshake.subject()).isEqualTo(shop.frontend.toString());
    assertThat(handshake.data().local().node()).isEqualTo("node-1");
    assertThat(handshake.data().local().pod()).isEqualTo("orders-0");
    Envelope<AuthzDecision> decision = await(AuthzDecision.class, EventType.AUTHZ_DECISION);
    assertThat(decision.data().conn()).isEqualTo(handshake.data().conn());
    await(SvidLifecycle.class, EventType.SVID_LIFECYCLE);

    long committed = hold("containment-1");

    assertThat(chat.end()).isEqualTo(Status.Code.UNAVAILABLE);
    Duration took = Duration.ofNanos(System.nanoTime() - committed);
    log.atInfo().addKeyValue("ms", took.toMillis()).log("commit to cut");
    ConsumerRecord<byte[], byte[]> applied =
        topics.await(TopicCatalogue.ENFORCEMENT, record -> key(record).equals("containment-1"));
    Enforcement report = CloudEvents.fromRecord(applied, Enforcement.class).data();
    assertThat(report.enforcement().outcome()).isEqualTo(Outcome.APPLIED);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
    assertThat(report.local().id()).isEqualTo(shop.orders);

    topics.write(
        TopicCatalogue.QUARANTINE,
        new QuarantineKey(Subject.of(shop.frontend), "containment-1").toString(),
        null);
    topics.await(
        TopicCatalogue.ENFORCEMENT,
        record ->
            key(record).equals("containment-1")
                && CloudEvents.fromRecord(record, Enforcement.class).data().enforcement().outcome()
                    == Outcome.RELEASED);
    channel.resetConnectBackoff();
    assertThat(Echo.call(channel, "again")).contains("frontend");
    isSignedByItsReporter(
        topics.await(TopicCatalogue.EVENTS_IDENTITY, is(EventType.TLS_HANDSHAKE)));
    isSignedByItsReporter(
        topics.await(TopicCatalogue.EVENTS_IDENTITY, is(EventType.SVID_LIFECYCLE)));
    isSignedByItsReporter(applied);
    assertThat(
            SignedEvents.verify(
                topics.await(TopicCatalogue.EVENTS_IDENTITY, is(EventType.AUTHZ_DECISION)),
                orders.identity().bundles()))
        .as("a plain allow")
        .isInstanceOf(SignedEvents.Verification.Unsigned.class);
  }

  private static Predicate<ConsumerRecord<byte[], byte[]>> is(EventType type) {
    return record -> CloudEvents.type(record.headers()) == type;
  }

  private void isSignedByItsReporter(ConsumerRecord<byte[], byte[]> record) {
    TrustDomain domain = shop.mesh.trustDomain().name();
    assertThat(
            SignedEvents.verify(record, Map.of(domain, X509Svids.bundle(shop.mesh.trustDomain()))))
        .isInstanceOfSatisfying(
            SignedEvents.Verification.Signed.class,
            signed -> assertThat(signed.reporter()).isEqualTo(shop.orders));
  }

  @Test
  void isClosedFromTheStartWhereThereIsNoKafka() {
    MeshRuntime orders =
        MeshRuntime.builder()
            .workloadApi(shop.mesh.addressFor(shop.orders))
            .policy(shop.policy)
            .kafka(Map.of("bootstrap.servers", "127.0.0.1:1"), MeshTopics.PREFIX)
            .quarantineDeadline(Duration.ofMillis(500))
            .start();
    try {
      assertThat(orders.status().open()).isFalse();
      assertThat(orders.status().quarantineAgeMs()).isEqualTo(-1);
    } finally {
      orders.close();
    }
  }

  private MeshRuntime start(String id) {
    return shop.closing(
        MeshRuntime.builder()
            .workloadApi(shop.mesh.addressFor(SpiffeId.parse(id)))
            .policy(shop.policy)
            .kafka(topics.clientProperties(), MeshTopics.PREFIX)
            .local("node-1", "orders-0")
            .start());
  }

  /** Places a hold; says when its transaction was committed. */
  private long hold(String containment) {
    Quarantine hold =
        new Quarantine(
            new Quarantine.Hold(containment, "test", "test", Instant.now(), null, null),
            Subject.of(shop.frontend));
    topics.write(TopicCatalogue.QUARANTINE, hold.key().toString(), EventCodec.encode(hold));
    return System.nanoTime();
  }

  private <E extends Event> Envelope<E> await(Class<E> kind, EventType type) {
    return CloudEvents.fromRecord(
        topics.await(
            TopicCatalogue.EVENTS_IDENTITY, record -> CloudEvents.type(record.headers()) == type),
        kind);
  }

  private static String key(ConsumerRecord<byte[], byte[]> record) {
    return new String(record.key(), UTF_8);
  }
}
