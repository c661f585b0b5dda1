package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Partitioner;
import org.apache.kafka.common.Cluster;
import org.junit.jupiter.api.Test;

class KafkaEventSinkTest {

  @Test
  void sendsEachEventOnceInOrderWithItsContextAsHeaders() {
    try (EmbeddedKafka kafka = EmbeddedKafka.start();
        MeshTopics topics = new MeshTopics(kafka)) {
      MeshTopics.createAll(kafka);
      try (KafkaEventSink sink =
          new KafkaEventSink(
              topics.clientProperties(),
              MeshTopics.PREFIX,
              new EventSigner(Optional::empty, Clock.systemUTC())::sign)) {
        for (int i = 0; i < 500; i++) {
          assertThat(sink.offer(EventClass.LIFECYCLE, "key", event(i))).isTrue();
          if (i == 0) {
            // Closing it sends what is left, but it waits for no broker that it never met.
            topics.await(TopicCatalogue.EVENTS_IDENTITY, record -> true);
          }
        }
      }

      List<ConsumerRecord<byte[], byte[]>> records =
          topics.await(TopicCatalogue.EVENTS_IDENTITY, 500, record -> true);

      assertThat(records).hasSize(500);
      for (int i = 0; i < 500; i++) {
        assertThat(header(records.get(i), "ce_id")).isEqualTo("id-" + i);
      }
      ConsumerRecord<byte[], byte[]> first = records.get(0);
      assertThat(new String(first.key(), UTF_8)).isEqualTo("key");
      assertThat(header(first, "ce_type")).isEqualTo("io.meshward.svid.lifecycle.v1");
      assertThat(header(first, "ce_source")).isEqualTo("spiffe://shop.test/ns/shop/sa/orders");
      assertThat(new String(first.value(), UTF_8)).contains("\"change\":\"fetched\"");
    }
  }

  @Test
  void neverBlocksAndKeepsClassesApartWhileThereIsNoKafka() {
    KafkaEventSink sink =
        new KafkaEventSink(
            nowhere(),
            MeshTopics.PREFIX,
            new EventSigner(Optional::empty, Clock.systemUTC())::sign);
    int flood = EventClass.HANDSHAKE.capacity() + 1_000;
    long begin = System.nanoTime();
    for (int i = 0; i < flood; i++) {
      sink.offer(EventClass.HANDSHAKE, "key", event(i));
    }
    boolean denialTaken = sink.offer(EventClass.DENIAL, "key", event(0));
    Duration took = Duration.ofNanos(System.nanoTime() - begin);

    // Were each of them to wait for Kafka for a moment only, it would take much longer.
    assertThat(took).isLessThan(Duration.ofSeconds(30));
    // One may have left the queue for the sender.
    assertThat(sink.dropped(EventClass.HANDSHAKE)).isBetween(999L, 1_000L);
    assertThat(denialTaken).isTrue();
    assertThat(sink.dropped(EventClass.DENIAL)).isZero();

    begin = System.nanoTime();
    sink.close();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(60));
    assertThat(sink.offer(EventClass.ALLOW, "key", event(1))).isFalse();
  }

  @Test
  void sendsWhatWaitedOnceKafkaIsBack() {
    try (EmbeddedKafka kafka = EmbeddedKafka.start();
        MeshTopics topics = new MeshTopics(kafka)) {
      MeshTopics.createAll(kafka);
      Map<String, Object> patient = new HashMap<>(topics.clientProperties());
      patient.put("max.block.ms", 600_000);
      patient.put("delivery.timeout.ms", 600_000);
      try (KafkaEventSink sink =
          new KafkaEventSink(
              patient,
              MeshTopics.PREFIX,
              new EventSigner(Optional::empty, Clock.systemUTC())::sign)) {
        kafka.stop();
        for (int i = 0; i < 100; i++) {
          sink.offer(EventClass.DENIAL, "key", event(i));
        }
        kafka.restart();

        Set<String> ids = new HashSet<>();
        topics
            .await(TopicCatalogue.EVENTS_IDENTITY, 100, record -> true)
            .forEach(record -> ids.add(header(record, "ce_id")));

        assertThat(ids).hasSize(100);
        assertThat(sink.dropped(EventClass.DENIAL)).isZero();
      }
    }
  }

  @Test
  void sendsWhatCannotBeSignedAndGoesOnAfterWhatCannotBeSent() {
    TestTrustDomain shop = TestTrustDomain.create("shop.test");
    Shown ed25519 = new ForgedSvids(shop).ofEd25519(shop.name().id("/orders"));
    X509Svid unfit = new X509Svid(shop.name().id("/orders"), ed25519.chain(), ed25519.key(), null);
    AtomicReference<X509Svid> svid = new AtomicReference<>(unfit);
    try (EmbeddedKafka kafka = EmbeddedKafka.start();
        MeshTopics topics = new MeshTopics(kafka)) {
      MeshTopics.createAll(kafka);
      Map<String, Object> properties = new HashMap<>(topics.clientProperties());
      properties.put("partitioner.class", Picky.class.getName());
      try (KafkaEventSink sink =
          new KafkaEventSink(
              properties,
              MeshTopics.PREFIX,
              new EventSigner(() -> Optional.of(svid.get()), Clock.systemUTC())::sign)) {
        sink.offer(EventClass.LIFECYCLE, "key", event(0));
        topics.await(TopicCatalogue.EVENTS_IDENTITY, 1, record -> true);
        svid.set(X509Svids.of(shop.issue(unfit.id())));
        sink.offer(EventClass.LIFECYCLE, Picky.REFUSED, event(1));
        sink.offer(EventClass.LIFECYCLE, "key", event(2));

        List<ConsumerRecord<byte[], byte[]>> records =
            topics.await(TopicCatalogue.EVENTS_IDENTITY, 2, record -> true);

        assertThat(records)
            .extracting(record -> header(record, "ce_id"))
            .containsExactly("id-0", "id-2");
        assertThat(records)
            .extracting(record -> record.headers().lastHeader("ce_signature") != null)
            .containsExactly(false, true);
        assertThat(sink.dropped(EventClass.LIFECYCLE)).isEqualTo(1);
      }
    }
  }

  /** Fails in a way that nobody foresaw. */
  public static final class Picky implements Partitioner {
    static final String REFUSED = "refused";

    @Override
    public int partition(
        String topic, Object key, byte[] keyBytes, Object value, byte[] bytes, Cluster cluster) {
      if (new String(keyBytes, UTF_8).equals(REFUSED)) {
        throw new IllegalArgumentException("this key has no partition");
      }
      return 0;
    }

    @Override
    public void configure(Map<String, ?> settings) {}

    @Override
    public void close() {}
  }

  private static Map<String, Object> nowhere() {
    // Closing it gives up long before the producer would.
    return Map.of(
        "bootstrap.servers",
        "127.0.0.1:1",
        "max.block.ms",
        600_000,
        "delivery.timeout.ms",
        600_000);
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  private static Envelope<SvidLifecycle> event(int number) {
    return new Envelope<>(
        "id-" + number,
        "spiffe://shop.test/ns/shop/sa/orders",
        Instant.now(),
        new SvidLifecycle(
            new LifecycleChange(Change.FETCHED).build(),
            new LocalWorkload(null, null, null, null)));
  }
}
