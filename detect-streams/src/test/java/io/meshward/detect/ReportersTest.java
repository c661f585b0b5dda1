package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.detect.Bench.Written;
import io.meshward.runtime.EventTrust;
import io.meshward.runtime.Hold;
import io.meshward.runtime.TrustBundle;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.EvidenceRef.Signature;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestTrustDomain;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of an event that matches, by what its reporter's signature proves. */
class ReportersTest {
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
  private static final TestTrustDomain DOMAIN =
      TestTrustDomain.create(TrustDomain.parse("example.org"), Clock.fixed(START, ZoneOffset.UTC));
  private static final Map<TrustDomain, TrustBundle> AUTHORITIES =
      Map.of(DOMAIN.name(), new TrustBundle(DOMAIN.name(), DOMAIN.x509Authorities()));

  private static final String RULES =
      """
      - rule: Elsewhere
        desc: an address
        source: tls.handshake
        condition: peer.ip = 192.0.2.7
        output: seen
        priority: Critical
      - rule: Issue
        desc: an SVID
        source: svid.lifecycle
        condition: svid.change = fetched
        output: issued
        priority: Notice
      - detection: Issues
        desc: three SVIDs
        output: "%correlation.count"
        priority: Critical
        correlation: {type: event_count, rules: [Issue], group-by: [local.id], timespan: 60s, condition: {gte: 3}}
      """;

  @TempDir Path directory;
  private final List<Bench> benches = new ArrayList<>();

  @AfterEach
  void stop() {
    benches.forEach(Bench::close);
  }

  @Test
  void whatItsReporterSignedIsEvidenceThatSaysSo() throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    sendSigned(bench, handshake("h-1"), "payment");

    assertThat(signatures(only(bench))).containsExactly(Signature.VALID);
    assertThat(bench.metrics()).contains("meshward_detect_signatures_total{outcome=\"valid\"} 1.0");
    assertThat(bench.parked()).isEmpty();
  }

  @Test
  void whatDoesNotMatchIsNotVerified() throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    Envelope<TlsHandshake> good =
        Events.handshake("h-1", START, "payment", Events.id("orders"), "10.0.0.3");
    Headers headers = headers(good, "payment");
    headers.remove(CloudEvents.ID).add(CloudEvents.ID, "h-2".getBytes(UTF_8));
    send(bench, headers, good);

    assertThat(bench.parked()).isEmpty();
    assertThat(bench.metrics()).doesNotContain("meshward_detect_signatures_total{");
  }

  @ParameterizedTest
  @ValueSource(strings = {CloudEvents.ID, CloudEvents.TIME, CloudEvents.SUBJECT, "value"})
  void aForgeryDoesNotCountAndDoesNotUseUpTheIdOfTheTrueOne(String what) throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    Envelope<TlsHandshake> truth = handshake("h-1");
    Headers headers = headers(what.equals(CloudEvents.ID) ? handshake("h-0") : truth, "payment");
    byte[] value = EventCodec.encode(truth.data());
    switch (what) {
      case CloudEvents.ID -> replace(headers, what, "h-1");
      case CloudEvents.TIME -> replace(headers, what, START.minusSeconds(1).toString());
      case CloudEvents.SUBJECT -> replace(headers, what, Events.id("frontend").toString());
      default ->
          value = new String(value, UTF_8).replace("/sa/orders", "/sa/frontend").getBytes(UTF_8);
    }
    bench.sendRaw(TopicCatalogue.EVENTS_IDENTITY, "key", headers, value);

    assertThat(bench.detections()).isEmpty();
    assertThat(bench.parked())
        .containsExactly("forged_event: signature: it is not signed by that key as it is");
    assertThat(bench.origins().getFirst().topic()).isEqualTo("meshward.events.identity");
    assertThat(bench.metrics())
        .contains("meshward_detect_signatures_total{outcome=\"invalid\"} 1.0");

    sendSigned(bench, truth, "payment");
    assertThat(signatures(only(bench))).containsExactly(Signature.VALID);
  }

  @Test
  void nobodyReportsInTheNameOfAnother() throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    sendSigned(bench, handshake("h-1"), "frontend");
    Envelope<TlsHandshake> named = handshake("h-2");
    Envelope<TlsHandshake> own =
        new Envelope<>("h-2", Events.id("frontend").toString(), START, named.data());
    sendSigned(bench, own, "frontend");

    assertThat(bench.detections()).isEmpty();
    assertThat(bench.parked())
        .containsExactly(
            "forged_event: reporter: it is reported by spiffe://example.org/ns/shop/sa/payment,"
                + " signed by [spiffe://example.org/ns/shop/sa/frontend]",
            "forged_event: it is reported by spiffe://example.org/ns/shop/sa/frontend in the name"
                + " of spiffe://example.org/ns/shop/sa/payment");
  }

  @Test
  void withoutASignatureAnEventCountsAndItsEvidenceSaysSo() {
    Bench bench = bench(AUTHORITIES, START);
    bench.send(handshake("h-1"));

    assertThat(signatures(only(bench))).containsExactly(Signature.NONE);
  }

  @Test
  void byAnAuthorityThatIsNotKnownNothingIsProvedEitherWay() throws Exception {
    TestTrustDomain other =
        TestTrustDomain.create(DOMAIN.name(), Clock.fixed(START, ZoneOffset.UTC));
    Bench bench = bench(AUTHORITIES, START);
    Envelope<TlsHandshake> event = handshake("h-1");
    send(bench, Signing.headers(event, other.issue(Events.id("payment")), START), event);

    assertThat(reason(only(bench))).isEqualTo("unverified: signer");
    assertThat(bench.parked()).isEmpty();
  }

  /** A topic is read again after days: the SVID is over, and the event as true as it was. */
  @Test
  void anHonestEventStaysHonestHoweverLateItIsRead() throws Exception {
    Bench bench = bench(AUTHORITIES, START.plus(Duration.ofDays(6)));
    Envelope<TlsHandshake> event = handshake("h-1");
    bench.sendRaw(
        TopicCatalogue.EVENTS_IDENTITY,
        "key",
        headers(event, "payment"),
        EventCodec.encode(event.data()),
        START);

    assertThat(signatures(only(bench))).containsExactly(Signature.VALID);
  }

  /** An event may wait in its reporter's sink while Kafka is away: signed and sent later. */
  @Test
  void anEventMayBeSignedLongAfterItHappened() throws Exception {
    Bench bench = bench(AUTHORITIES, START.plus(Duration.ofMinutes(20)));
    Envelope<TlsHandshake> event = handshake("h-1");
    send(bench, Signing.headers(event, DOMAIN.issue(Events.id("payment")), bench.now()), event);

    assertThat(signatures(only(bench))).containsExactly(Signature.VALID);
  }

  @Test
  void aKeyWhoseSvidIsOverProvesNothingAnyMore() throws Exception {
    Bench bench = bench(AUTHORITIES, START.plus(Duration.ofDays(1)));
    Envelope<TlsHandshake> event = handshake("h-1");
    send(bench, headers(event, "payment"), event);

    assertThat(reason(only(bench))).isEqualTo("unverified: time");
  }

  @Test
  void aWindowProvesNoMoreThanTheLeastOfItsEvents() throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    sendSigned(bench, issue("i-1"), "payment");
    bench.send(issue("i-2"));
    sendSigned(bench, issue("i-3"), "payment");

    Written<Detection> burst = only(bench);
    assertThat(signatures(burst)).containsExactly(Signature.VALID, Signature.NONE, Signature.VALID);
    assertThat(burst.data().detection().signature()).isEqualTo(Signature.NONE);

    for (int n = 4; n <= 6; n++) {
      sendSigned(bench, issue("i-" + n), "payment");
    }
    assertThat(only(bench).data().detection().signature()).isEqualTo(Signature.VALID);
  }

  @Test
  void aForgeryDoesNotFillAWindow() throws Exception {
    Bench bench = bench(AUTHORITIES, START);
    sendSigned(bench, issue("i-1"), "payment");
    sendSigned(bench, issue("i-2"), "payment");
    sendSigned(bench, issue("i-3"), "frontend");

    assertThat(bench.detections()).isEmpty();
    assertThat(bench.parked()).hasSize(1);
  }

  /** A stolen SVID signs as well as the one that it was stolen from. */
  @Test
  void aReporterWhoIsHeldIsNotBelievedUntilThatEndsAndOthersAre() throws Exception {
    AtomicReference<List<Hold>> holds = new AtomicReference<>(List.of());
    Bench bench = bench(START, () -> EventTrust.in(AUTHORITIES, holds.get()));
    sendSigned(bench, handshake("h-1"), "payment");
    assertThat(reason(only(bench))).isEqualTo("valid");

    holds.set(List.of(hold("payment", null)));
    sendSigned(bench, handshake("h-2"), "payment");
    assertThat(reason(only(bench))).isEqualTo("unverified: quarantined");
    Envelope<TlsHandshake> byAnother =
        Events.handshake("h-3", START, "frontend", Events.id("orders"), "192.0.2.7");
    sendSigned(bench, byAnother, "frontend");
    assertThat(reason(only(bench))).isEqualTo("valid");

    holds.set(List.of(hold("payment", START.plusSeconds(30))));
    sendSigned(bench, handshake("h-4"), "payment");
    assertThat(reason(only(bench))).isEqualTo("unverified: quarantined");
    bench.advance(Duration.ofSeconds(30));
    sendSigned(bench, handshake("h-5"), "payment");
    assertThat(reason(only(bench))).isEqualTo("valid");
    assertThat(bench.metrics())
        .contains("meshward_detect_signatures_total{outcome=\"unverified\"} 2.0");
  }

  @Test
  void aWindowSaysWhyTheLeastOfItsEventsProvesNoMore() throws Exception {
    AtomicReference<List<Hold>> holds = new AtomicReference<>(List.of());
    Bench bench = bench(START, () -> EventTrust.in(AUTHORITIES, holds.get()));
    sendSigned(bench, issue("i-1"), "payment");
    holds.set(List.of(hold("payment", null)));
    sendSigned(bench, issue("i-2"), "payment");
    holds.set(List.of());
    sendSigned(bench, issue("i-3"), "payment");

    Written<Detection> burst = only(bench);
    assertThat(signatures(burst))
        .containsExactly(Signature.VALID, Signature.UNVERIFIED, Signature.VALID);
    assertThat(reason(burst)).isEqualTo("unverified: quarantined");
  }

  @Test
  void theSameEventsGiveTheSameDetectionsWhateverIsProved() throws Exception {
    List<List<String>> ids = new ArrayList<>();
    for (Map<TrustDomain, TrustBundle> authorities :
        List.of(AUTHORITIES, Map.<TrustDomain, TrustBundle>of(), AUTHORITIES)) {
      Bench bench = bench(authorities, START);
      sendSigned(bench, handshake("h-1"), "payment");
      for (int n = 1; n <= 3; n++) {
        sendSigned(bench, issue("i-" + n), "payment");
      }
      List<Written<Detection>> detections = bench.detections();
      assertThat(detections)
          .extracting(written -> written.data().detection().signature())
          .containsOnly(authorities.isEmpty() ? Signature.UNVERIFIED : Signature.VALID);
      ids.add(detections.stream().map(written -> written.envelope().id()).toList());
    }

    assertThat(ids.getFirst()).hasSize(2);
    assertThat(ids).containsOnly(ids.getFirst());
  }

  private Bench bench(Map<TrustDomain, TrustBundle> authorities, Instant start) {
    return bench(start, () -> EventTrust.in(authorities));
  }

  private Bench bench(Instant start, Supplier<EventTrust> trust) {
    Bench bench =
        new Bench(directory.resolve("bench-" + benches.size()), start, Bench.rules(RULES), trust);
    benches.add(bench);
    return bench;
  }

  private static Envelope<TlsHandshake> handshake(String id) {
    return Events.handshake(id, START, "payment", Events.id("orders"), "192.0.2.7");
  }

  private static Envelope<SvidLifecycle> issue(String id) {
    return Events.lifecycle(id, START, "payment", "i-1", Change.FETCHED, null, 1);
  }

  private static Headers headers(Envelope<?> event, String signer) throws GeneralSecurityException {
    return Signing.headers(event, DOMAIN.issue(Events.id(signer)), START);
  }

  private static void sendSigned(Bench bench, Envelope<? extends Event> event, String signer)
      throws GeneralSecurityException {
    send(bench, headers(event, signer), event);
  }

  private static void send(Bench bench, Headers headers, Envelope<? extends Event> event) {
    bench.sendRaw(TopicCatalogue.EVENTS_IDENTITY, "key", headers, EventCodec.encode(event.data()));
  }

  private static void replace(Headers headers, String name, String value) {
    headers.remove(name).add(name, value.getBytes(UTF_8));
  }

  private static Written<Detection> only(Bench bench) {
    List<Written<Detection>> detections = bench.detections();
    assertThat(detections).as(bench.parked().toString()).hasSize(1);
    return detections.getFirst();
  }

  private static Hold hold(String workload, @Nullable Instant expiresAt) {
    return new Hold(
        new QuarantineKey(Subject.of(Events.id(workload)), "c-1"), START, expiresAt, null);
  }

  /** What a detection says of its signatures. */
  private static String reason(Written<Detection> detection) {
    Detection.Finding finding = detection.data().detection();
    String proved = String.valueOf(finding.signature()).toLowerCase(Locale.ROOT);
    return finding.signatureReason() == null ? proved : proved + ": " + finding.signatureReason();
  }

  private static List<Signature> signatures(Written<Detection> detection) {
    return detection.data().evidence().stream().map(EvidenceRef::signature).toList();
  }
}
