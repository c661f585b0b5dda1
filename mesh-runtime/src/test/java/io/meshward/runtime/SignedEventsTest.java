package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.util.Base64URL;
import io.meshward.runtime.SignedEvents.Verification;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventSignature;
import io.meshward.schemas.EventType;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.TestTrustDomain;
import java.security.interfaces.ECPublicKey;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SignedEventsTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final SpiffeId ORDERS = SHOP.name().id("/ns/shop/sa/orders");
  private static final X509Svid SVID = X509Svids.of(SHOP.issue(ORDERS));
  private static final Map<TrustDomain, TrustBundle> BUNDLES =
      Map.of(SHOP.name(), X509Svids.bundle(SHOP));

  private static final Subject OTHER = Subject.of(SHOP.name().id("/ns/shop/sa/payment"));

  private final Instant now = Instant.now();

  @Test
  void whatAReporterSignedIsItsOwn() {
    Verification verification = SignedEvents.verify(received(signed(SVID, now), now), BUNDLES);

    assertThat(verification)
        .isInstanceOfSatisfying(
            Verification.Signed.class,
            signed -> {
              assertThat(signed.reporter()).isEqualTo(ORDERS);
              assertThat(signed.certificate()).isEqualTo(SVID.leaf());
              assertThat(signed.signedAt()).isBetween(now.minusSeconds(1), now);
            });
  }

  @Test
  void theSignatureIsAJsonWebSignatureThatOthersCanVerify() throws Exception {
    ProducerRecord<byte[], byte[]> record = signed(SVID, now);
    String[] parts = header(record, CloudEvents.SIGNATURE).split("\\.", -1);
    byte[] content =
        EventSignature.content(
            EventType.SVID_LIFECYCLE.cloudEventType(),
            "id-1",
            ORDERS.toString(),
            header(record, CloudEvents.TIME),
            null,
            record.value());
    JWSObject jws =
        new JWSObject(new Base64URL(parts[0]), new Payload(content), new Base64URL(parts[2]));

    JWSHeader protectedHeader = jws.getHeader();
    assertThat(protectedHeader.getType().getType()).isEqualTo(EventSignature.TYPE);
    assertThat(protectedHeader.getX509CertChain()).hasSize(SVID.chain().size());
    assertThat(jws.verify(new ECDSAVerifier((ECPublicKey) SVID.leaf().getPublicKey()))).isTrue();
  }

  @Test
  void withoutAnSvidAnEventIsUnsigned() {
    ProducerRecord<byte[], byte[]> record = event(ORDERS, now);
    new EventSigner(Optional::empty, Clock.systemUTC()).sign(record);

    assertThat(SignedEvents.verify(received(record, now), BUNDLES))
        .isInstanceOf(Verification.Unsigned.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        CloudEvents.ID,
        CloudEvents.SOURCE,
        CloudEvents.TIME,
        CloudEvents.SUBJECT,
        "value"
      })
  void whatWasChangedSinceIsNotBelieved(String what) {
    ProducerRecord<byte[], byte[]> record = signed(SVID, now);
    byte[] value = record.value();
    if (what.equals("value")) {
      value = new String(value, UTF_8).replace("fetched", "rotated").getBytes(UTF_8);
    } else {
      String before = what.equals(CloudEvents.SUBJECT) ? "x" : header(record, what);
      String after = what.equals(CloudEvents.TIME) ? now.minusSeconds(3).toString() : before + "x";
      record.headers().remove(what).add(what, after.getBytes(UTF_8));
    }

    assertInvalid(
        received(record, value, now), what.equals(CloudEvents.SOURCE) ? "reporter" : "signature");
  }

  @Test
  void nobodySignsForAnother() {
    SpiffeId payment = SHOP.name().id("/ns/shop/sa/payment");
    ProducerRecord<byte[], byte[]> record = event(ORDERS, now);
    sign(record, X509Svids.of(SHOP.issue(payment)), now);

    assertInvalid(received(record, now), "reporter");
  }

  /** It may be one that is new, or gone, or a forger's: this reader cannot tell. */
  @Test
  void byAnAuthorityThatIsNotKnownNothingIsProvedEitherWay() {
    X509Svid elsewhere = X509Svids.of(TestTrustDomain.create("shop.test").issue(ORDERS));
    assertUnverified(received(signed(elsewhere, now), now), "signer");
    assertThat(SignedEvents.verify(received(signed(SVID, now), now), Map.of()))
        .isInstanceOf(Verification.Unverified.class);
  }

  @Test
  void anAuthorityThatWasRotatedAwayMakesNothingFalse() {
    TestTrustDomain domain = TestTrustDomain.create("shop.test");
    ProducerRecord<byte[], byte[]> before = signed(X509Svids.of(domain.issue(ORDERS)), now);
    domain.prepareX509Authority();
    domain.activateX509Authority();
    domain.retireX509Authorities();
    ProducerRecord<byte[], byte[]> after = signed(X509Svids.of(domain.issue(ORDERS)), now);
    Map<TrustDomain, TrustBundle> rotated = Map.of(domain.name(), X509Svids.bundle(domain));

    assertThat(SignedEvents.verify(received(before, now), rotated))
        .isInstanceOf(Verification.Unverified.class);
    assertThat(SignedEvents.verify(received(after, now), rotated))
        .isInstanceOf(Verification.Signed.class);
  }

  @Test
  void whatIsProvedFalseIsSoWithoutAnyAuthority() {
    ProducerRecord<byte[], byte[]> tampered = signed(SVID, now);
    tampered.headers().remove(CloudEvents.ID).add(CloudEvents.ID, "id-2".getBytes(UTF_8));
    ProducerRecord<byte[], byte[]> foreign = event(ORDERS, now);
    sign(foreign, X509Svids.of(SHOP.issue(SHOP.name().id("/ns/shop/sa/payment"))), now);

    assertThat(SignedEvents.verify(received(tampered, now), Map.of()))
        .isInstanceOf(Verification.Invalid.class);
    assertThat(SignedEvents.verify(received(foreign, now), Map.of()))
        .isInstanceOf(Verification.Invalid.class);
  }

  @Test
  void evidenceIsGoodWhenItsSvidIsLongOverButCannotBeMadeThen() {
    X509Svid shortLived =
        X509Svids.of(SHOP.issue(ORDERS, IssueOptions.DEFAULT.timeToLive(Duration.ofMinutes(1))));
    ProducerRecord<byte[], byte[]> then = signed(shortLived, now);
    Instant later = now.plus(Duration.ofHours(1));

    assertThat(SignedEvents.verify(received(then, now), BUNDLES))
        .isInstanceOf(Verification.Signed.class);
    assertUnverified(received(then, later), "time");
    assertUnverified(received(signed(shortLived, later), later), "signer");
  }

  @Test
  void anEventOfTheFutureIsNotBelieved() {
    ProducerRecord<byte[], byte[]> record = event(ORDERS, now.plusSeconds(120));
    sign(record, SVID, now);

    assertUnverified(received(record, now), "time");
    assertUnverified(received(signed(SVID, now.plusSeconds(120)), now), "time");
  }

  /** What is remembered of a signer is judged by the trust and the moment of each event. */
  @Test
  void ofASignerWhoIsKnownEachEventIsJudgedForItself() {
    EventVerifier verifier = new EventVerifier();
    X509Svid svid =
        X509Svids.of(SHOP.issue(ORDERS, IssueOptions.DEFAULT.timeToLive(Duration.ofMinutes(1))));
    EventTrust trust = EventTrust.in(BUNDLES);
    for (int seconds : new int[] {30, 10, 20}) {
      Instant at = now.plusSeconds(seconds);
      assertThat(verify(verifier, signed(svid, at), at, trust))
          .as("signed after %s s", seconds)
          .isInstanceOf(Verification.Signed.class);
    }
    Instant then = now.plusSeconds(10);
    ProducerRecord<byte[], byte[]> tampered = signed(svid, then);
    tampered.headers().remove(CloudEvents.ID).add(CloudEvents.ID, "id-2".getBytes(UTF_8));
    Instant later = now.plus(Duration.ofMinutes(2));

    assertThat(verify(verifier, tampered, then, trust))
        .isInstanceOfSatisfying(
            Verification.Invalid.class,
            invalid -> assertThat(invalid.reason()).isEqualTo("signature"));
    assertThat(verify(verifier, signed(svid, later), later, trust)).satisfies(unverified("signer"));
    assertThat(verify(verifier, signed(svid, then), then, EventTrust.in(Map.of())))
        .satisfies(unverified("signer"));
    assertThat(verify(verifier, signed(svid, then), then, trust))
        .isInstanceOf(Verification.Signed.class);
  }

  @Test
  void whoIsHeldIsNotBelievedWhileThatLasts() {
    EventVerifier verifier = new EventVerifier();
    for (Subject subject :
        List.of(
            Subject.of(ORDERS),
            new Subject(Subject.Kind.PATH_PREFIX, SHOP.name(), "/ns/shop"),
            new Subject(Subject.Kind.KEY_HASH, SHOP.name(), Certificates.keyHash(SVID.leaf())))) {
      EventTrust held = holding(subject, now.plusSeconds(60), null);
      ProducerRecord<byte[], byte[]> event = signed(SVID, now);

      assertThat(verify(verifier, event, now, held)).satisfies(unverified("quarantined"));
      assertThat(verifier.verify(event.headers(), event.value(), now, held, now.plusSeconds(60)))
          .as("when it has ended by itself: %s", subject)
          .isInstanceOf(Verification.Signed.class);
    }
    assertThat(verify(verifier, signed(SVID, now), now, holding(OTHER, null, null)))
        .isInstanceOf(Verification.Signed.class);
  }

  @Test
  void ofAHoldOnSvidsIssuedBeforeTheNextSvidIsBelieved() {
    Instant issued = SVID.notBefore();
    ProducerRecord<byte[], byte[]> event = signed(SVID, now);
    EventVerifier verifier = new EventVerifier();

    assertThat(verify(verifier, event, now, holding(Subject.of(ORDERS), null, issued)))
        .isInstanceOf(Verification.Signed.class);
    assertThat(
            verify(verifier, event, now, holding(Subject.of(ORDERS), null, issued.plusSeconds(1))))
        .satisfies(unverified("quarantined"));
  }

  @Test
  void whoIsRevokedIsNotBelievedNorWhoCannotBeToldToBeNot() {
    TestRevocations by = TestRevocations.by(new ForgedSvids(SHOP).root());
    Holds none = Holds.of(List.of(), IdentityPatterns.NONE);
    ProducerRecord<byte[], byte[]> event = signed(SVID, now);
    EventVerifier verifier = new EventVerifier();

    assertThat(
            verify(
                verifier,
                event,
                now,
                new EventTrust(
                    BUNDLES, none, new RevocationLists(List.of(by.list(SVID.leaf())), false))))
        .satisfies(unverified("revoked"));
    assertThat(
            verify(
                verifier,
                event,
                now,
                new EventTrust(BUNDLES, none, new RevocationLists(List.of(by.list()), true))))
        .isInstanceOf(Verification.Signed.class);
    assertThat(
            verify(
                verifier,
                event,
                now,
                new EventTrust(BUNDLES, none, new RevocationLists(List.of(), true))))
        .satisfies(unverified("revocation_undetermined"));
    assertThat(
            verify(
                verifier,
                event,
                now,
                new EventTrust(BUNDLES, Holds.unread(), RevocationLists.NONE)))
        .satisfies(unverified("quarantine_unread"));
  }

  private static EventTrust holding(
      Subject subject, @Nullable Instant expiresAt, @Nullable Instant issuedBefore) {
    return EventTrust.in(
        BUNDLES,
        List.of(new Hold(new QuarantineKey(subject, "c-1"), null, expiresAt, issuedBefore)));
  }

  private static Verification verify(
      EventVerifier verifier, ProducerRecord<byte[], byte[]> record, Instant at, EventTrust trust) {
    return verifier.verify(record.headers(), record.value(), at, trust, at);
  }

  private static Consumer<Verification> unverified(String reason) {
    return verification ->
        assertThat(verification)
            .isInstanceOfSatisfying(
                Verification.Unverified.class,
                found -> assertThat(found.reason()).as(found.words()).isEqualTo(reason));
  }

  @Test
  void aTokenIsNoSignature() {
    ProducerRecord<byte[], byte[]> record = event(ORDERS, now);
    record
        .headers()
        .add(
            CloudEvents.SIGNATURE,
            SHOP.issueJwt(ORDERS, Set.of("a"), Duration.ofMinutes(1)).getBytes(US_ASCII));

    assertInvalid(received(record, now), "malformed");
  }

  @Test
  void changedSignaturesAreNotBelieved() {
    ProducerRecord<byte[], byte[]> record = signed(SVID, now);
    byte[] good = header(record, CloudEvents.SIGNATURE).getBytes(US_ASCII);
    for (long seed = 0; seed < 500; seed++) {
      Random random = Seeded.random(seed);
      byte[] changed = Seeded.changed(good, random);
      assertThat(verify(record, changed))
          .as("seed " + seed)
          .isInstanceOf(Verification.Invalid.class);
    }
  }

  @FuzzTest
  void anySignatureIsVerifiedOrNot(byte[] bytes) {
    assertThat(verify(signed(SVID, now), bytes)).isInstanceOf(Verification.Invalid.class);
  }

  private Verification verify(ProducerRecord<byte[], byte[]> record, byte[] signature) {
    record.headers().remove(CloudEvents.SIGNATURE).add(CloudEvents.SIGNATURE, signature);
    return SignedEvents.verify(received(record, now), BUNDLES);
  }

  private static void assertInvalid(ConsumerRecord<byte[], byte[]> record, String reason) {
    assertThat(SignedEvents.verify(record, BUNDLES))
        .isInstanceOfSatisfying(
            Verification.Invalid.class,
            invalid -> assertThat(invalid.reason()).as(invalid.words()).isEqualTo(reason));
  }

  private static void assertUnverified(ConsumerRecord<byte[], byte[]> record, String reason) {
    assertThat(SignedEvents.verify(record, BUNDLES))
        .isInstanceOfSatisfying(
            Verification.Unverified.class,
            unverified -> assertThat(unverified.reason()).as(unverified.words()).isEqualTo(reason));
  }

  private static ProducerRecord<byte[], byte[]> signed(X509Svid svid, Instant at) {
    ProducerRecord<byte[], byte[]> record = event(ORDERS, at);
    sign(record, svid, at);
    return record;
  }

  private static void sign(ProducerRecord<byte[], byte[]> record, X509Svid svid, Instant at) {
    new EventSigner(() -> Optional.of(svid), Clock.fixed(at, ZoneOffset.UTC)).sign(record);
  }

  private static ProducerRecord<byte[], byte[]> event(SpiffeId reporter, Instant time) {
    SvidLifecycle event =
        new SvidLifecycle(
            new LifecycleChange(Change.FETCHED).build(),
            new LocalWorkload(reporter, null, null, null));
    return CloudEvents.toRecord(
        "topic", "key", new Envelope<>("id-1", reporter.toString(), time, event));
  }

  private static String header(ProducerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  private static ConsumerRecord<byte[], byte[]> received(
      ProducerRecord<byte[], byte[]> record, Instant at) {
    return received(record, record.value(), at);
  }

  private static ConsumerRecord<byte[], byte[]> received(
      ProducerRecord<byte[], byte[]> record, byte[] value, Instant at) {
    return new ConsumerRecord<>(
        "topic",
        0,
        0,
        at.toEpochMilli(),
        TimestampType.CREATE_TIME,
        record.key().length,
        value.length,
        record.key(),
        value,
        new RecordHeaders(record.headers()),
        Optional.empty());
  }
}
