package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TopicCatalogue;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class KafkaQuarantineSourceTest {
  private static final Logger log = LoggerFactory.getLogger(KafkaQuarantineSourceTest.class);
  private static final SpiffeId FRONTEND = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");
  private static final Instant PLACED = Instant.parse("2026-05-01T12:00:00Z");

  private final EmbeddedKafka kafka = EmbeddedKafka.start();
  private final MeshTopics topics = new MeshTopics(kafka);
  private final RecordingSink events = new RecordingSink();
  private final BlockingQueue<Collection<Hold>> heard = new LinkedBlockingQueue<>();
  private @Nullable KafkaQuarantineSource source;

  @AfterEach
  void close() {
    if (source != null) {
      source.close();
    }
    topics.close();
    kafka.close();
  }

  @Test
  void saysNothingBeforeTheEndAndThenAllAtOnce() {
    MeshTopics.create(kafka, TopicCatalogue.QUARANTINE, 3);
    Map<String, Hold> expected = new HashMap<>();
    for (int i = 0; i < 50; i++) {
      Hold hold = hold("containment-" + i, null, null);
      expected.put(hold.key().toString(), hold);
      write(hold);
    }
    Hold released = hold("containment-0", null, null);
    topics.write(TopicCatalogue.QUARANTINE, released.key().toString(), null);
    expected.remove(released.key().toString());

    watch();

    assertThat(next()).containsExactlyInAnyOrderElementsOf(expected.values());
    assertThat(requireSource().ageMs()).isBetween(0L, 5_000L);
  }

  @Test
  void saysThatThereAreNone() {
    MeshTopics.createAll(kafka);

    watch();

    assertThat(next()).isEmpty();
  }

  @Test
  void isReadAgainAfterWhoeverHearsOfHoldsHasFailed() {
    MeshTopics.createAll(kafka);
    AtomicBoolean failed = new AtomicBoolean();
    KafkaQuarantineSource fragile =
        new KafkaQuarantineSource(
            topics.clientProperties(),
            MeshTopics.PREFIX,
            new EventReporter(events, Clock.systemUTC(), () -> FRONTEND, null, null, "instance"));
    source = fragile;
    fragile.watch(
        holds -> {
          if (failed.compareAndSet(false, true)) {
            throw new IllegalArgumentException("a defect of ours");
          }
          heard.add(holds);
        });

    assertThat(next()).isEmpty();
    Hold hold = hold("containment-1", null, null);
    write(hold);
    assertThat(next()).containsExactly(hold);
  }

  @Test
  void tellsAHoldWithinMillisecondsOfItsCommit() {
    MeshTopics.createAll(kafka);
    watch();
    next();
    long[] micros = new long[100];
    for (int i = 0; i < micros.length; i++) {
      Hold hold = hold("containment-" + i, null, null);
      write(hold);
      long committed = System.nanoTime();
      assertThat(next()).contains(hold);
      micros[i] = (System.nanoTime() - committed) / 1_000;
    }
    Arrays.sort(micros);
    log.atInfo()
        .addKeyValue("p50_us", micros[50])
        .addKeyValue("p99_us", micros[98])
        .log("commit to hold");
    assertThat(micros[50]).isLessThan(20_000);
  }

  @Test
  void keepsWhatAHoldSays() {
    MeshTopics.createAll(kafka);
    Hold hold = hold("containment-1", PLACED.plusSeconds(60), PLACED.plusSeconds(1));
    write(hold);

    watch();

    assertThat(next()).containsExactly(hold);
  }

  @Test
  void aTombstoneReleasesItsHoldOnly() {
    MeshTopics.createAll(kafka);
    Hold one = hold("containment-1", null, null);
    Hold two = hold("containment-2", null, null);
    write(one);
    write(two);
    watch();
    assertThat(next()).containsExactlyInAnyOrder(one, two);

    topics.write(TopicCatalogue.QUARANTINE, one.key().toString(), null);

    assertThat(next()).containsExactly(two);
  }

  @Test
  void takesOnlyWhatIsCommitted() {
    MeshTopics.createAll(kafka);
    watch();
    next();
    try (KafkaProducer<byte[], byte[]> responder = topics.producer("another-responder")) {
      responder.initTransactions();
      Hold aborted = hold("containment-1", null, null);
      responder.beginTransaction();
      var first =
          responder.send(
              MeshTopics.record(
                  TopicCatalogue.QUARANTINE, aborted.key().toString(), encode(aborted)));
      responder.flush();
      responder.abortTransaction();
      Hold committed = hold("containment-2", null, null);
      responder.beginTransaction();
      var second =
          responder.send(
              MeshTopics.record(
                  TopicCatalogue.QUARANTINE, committed.key().toString(), encode(committed)));
      responder.flush();
      responder.commitTransaction();

      assertThat(next()).containsExactly(committed);
      assertThat(first.isDone() && second.isDone()).isTrue();
    }
  }

  @Test
  void saysNothingWhileAnOpenTransactionHidesHoldsThatAreCommitted() throws Exception {
    MeshTopics.createAll(kafka);
    Hold pending = hold("containment-1", null, null);
    Hold committed = hold("containment-2", null, null);
    try (KafkaProducer<byte[], byte[]> slow = topics.producer("slow-responder")) {
      slow.initTransactions();
      slow.beginTransaction();
      var sent =
          slow.send(
              MeshTopics.record(
                  TopicCatalogue.QUARANTINE, pending.key().toString(), encode(pending)));
      slow.flush();
      assertThat(sent.isDone()).isTrue();
      write(committed);

      watch();

      assertThat(heard.poll(1, TimeUnit.SECONDS)).isNull();
      assertThat(requireSource().ageMs()).isEqualTo(-1);
      slow.commitTransaction();
      assertThat(next()).containsExactlyInAnyOrder(pending, committed);
    }
  }

  @Test
  void aRecordWhoseKeyParsesIsAHoldWhateverItsValue() {
    MeshTopics.createAll(kafka);
    QuarantineKey broken = new QuarantineKey(Subject.of(FRONTEND), "broken");
    QuarantineKey partial = new QuarantineKey(Subject.of(FRONTEND), "partial");
    QuarantineKey liar = new QuarantineKey(Subject.of(FRONTEND), "liar");
    Hold newer = hold("newer", null, PLACED);
    write(broken.toString(), "not json");
    write(
        partial.toString(),
        new String(encode(hold("partial", null, PLACED)), UTF_8)
            .replace("\"issued_before\":\"", "\"issued_before\":\"x"));
    write(liar.toString(), new String(encode(hold("another", PLACED, PLACED)), UTF_8));
    write(
        newer.key().toString(),
        new String(encode(newer), UTF_8).replaceFirst("\\{", "{\"of_a_later_version\":{\"a\":1},"));

    watch();

    assertThat(next())
        .containsExactlyInAnyOrder(
            Hold.ofUnreadable(broken), Hold.ofUnreadable(partial), Hold.ofUnreadable(liar), newer);
  }

  @Test
  void parksARecordThatNamesNoSubjectAndGoesOn() {
    MeshTopics.createAll(kafka);
    write("nonsense", "{}");
    Hold hold = hold("containment-1", null, null);
    write(hold);

    watch();

    assertThat(next()).containsExactly(hold);
    DeadLetter letter = events.await(DeadLetter.class, any -> true);
    assertThat(letter.letter().cause()).isEqualTo("malformed_key");
    assertThat(letter.letter().detail()).contains("nonsense");
    assertThat(letter.payload().bytes()).isEqualTo("{}".getBytes(UTF_8));
  }

  @Test
  void keepsTheHoldsWhileKafkaIsAwayAndLearnsOfNewOnesAfterwards() {
    MeshTopics.createAll(kafka);
    Hold one = hold("containment-1", null, null);
    write(one);
    watch();
    next();

    kafka.stop();
    Eventually.await("age", () -> requireSource().ageMs() > 1_000);
    assertThat(heard).isEmpty();
    kafka.restart();
    Hold two = hold("containment-2", null, null);
    write(two);

    assertThat(next()).containsExactlyInAnyOrder(one, two);
    Eventually.await("contact", () -> requireSource().ageMs() < 1_000);
  }

  @Test
  void readsAllFromTheStartAgainAfterKafkaWasAwayForLong() {
    MeshTopics.createAll(kafka);
    Hold one = hold("containment-1", null, null);
    write(one);
    watch(Duration.ofSeconds(1));
    assertThat(next()).containsExactly(one);

    kafka.stop();
    Eventually.await("age", () -> requireSource().ageMs() > 1_500);
    kafka.restart();

    // The same again: it was read anew.
    assertThat(next()).containsExactly(one);
  }

  @Test
  void waitsForATopicThatIsCreatedLater() {
    watch();
    assertThat(requireSource().ageMs()).isEqualTo(-1);

    MeshTopics.createAll(kafka);

    assertThat(next()).isEmpty();
  }

  @Test
  void closesAlsoWhileThereIsNoKafka() {
    kafka.stop();
    watch();

    long begin = System.nanoTime();
    requireSource().close();

    // There never is one to wait for.
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(30));
  }

  private void watch() {
    watch(Duration.ofHours(1));
  }

  private void watch(Duration staleAfter) {
    EventReporter reporter =
        new EventReporter(events, Clock.systemUTC(), () -> FRONTEND, null, null, "instance");
    source =
        new KafkaQuarantineSource(
            topics.clientProperties(), MeshTopics.PREFIX, reporter, staleAfter);
    source.watch(heard::add);
  }

  private KafkaQuarantineSource requireSource() {
    if (source == null) {
      throw new IllegalStateException("watch first");
    }
    return source;
  }

  private List<Hold> next() {
    try {
      Collection<Hold> next = heard.poll(60, TimeUnit.SECONDS);
      if (next == null) {
        throw new AssertionError("no holds within 60 s");
      }
      return List.copyOf(next);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void write(Hold hold) {
    topics.write(TopicCatalogue.QUARANTINE, hold.key().toString(), encode(hold));
  }

  private void write(String key, String value) {
    topics.write(TopicCatalogue.QUARANTINE, key, value.getBytes(UTF_8));
  }

  private static Hold hold(
      String containment, @Nullable Instant expiresAt, @Nullable Instant issuedBefore) {
    return new Hold(
        new QuarantineKey(Subject.of(FRONTEND), containment), PLACED, expiresAt, issuedBefore);
  }

  private static byte[] encode(Hold hold) {
    return EventCodec.encode(
        new Quarantine(
            new Quarantine.Hold(
                hold.key().containment(),
                "test",
                "test",
                PLACED,
                hold.expiresAt(),
                hold.issuedBefore()),
            hold.key().subject()));
  }
}
