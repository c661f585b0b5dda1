package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A chain that was found good is remembered; what may end that is looked at each time. */
class AdmissionTest {
  private final Instant start = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  private final SettableClock clock = new SettableClock(start);
  private final TestTrustDomain domain =
      TestTrustDomain.create(TrustDomain.parse("shop.test"), clock);
  private final OwnIdentity own = new OwnIdentity(clock);
  private final Trust trust = new Trust();
  private final Admission admission = new Admission(own, trust, clock, SvidProfile.STRICT_AT_HOME);
  private final IssuedSvid peer = issued("/ns/shop/sa/frontend", Duration.ofHours(1));

  @BeforeEach
  void begin() {
    IssuedSvid issued = issued("/ns/shop/sa/orders", Duration.ofHours(24));
    TrustBundle bundle = bundle(domain.x509Authorities());
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(
                new X509Svid(issued.id(), issued.certificates(), issued.privateKey(), null),
                Map.of(domain.name(), bundle),
                1)));
    assertThat(trust.bundles(Map.of(domain.name(), bundle))).isTrue();
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    assertThat(judge(peer)).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  void aChainIsAcceptedAgainWhileItLives() {
    clock.set(peer.notAfter());
    assertThat(judge(peer)).isEqualTo(new Verdict.Accepted(peer.id(), null));
  }

  @Test
  void aChainThatWasAcceptedIsRefusedOnceItIsOver() {
    clock.set(peer.notAfter().plusMillis(1));
    assertRefused(RejectionReason.EXPIRED);
  }

  @Test
  void aChainThatWasAcceptedIsRefusedWhenTheClockIsSetBackBeforeIt() {
    clock.set(peer.notBefore().minusMillis(1));
    assertRefused(RejectionReason.NOT_YET_VALID);
  }

  @Test
  void aChainThatWasAcceptedIsRefusedOnceItsAuthorityIsGone() {
    TestTrustDomain other = TestTrustDomain.create("shop.test");
    assertThat(trust.bundles(Map.of(domain.name(), bundle(other.x509Authorities())))).isTrue();
    assertRefused(RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void aChainThatWasAcceptedIsRefusedOnceItsTrustDomainIsGone() {
    assertThat(trust.bundles(Map.of())).isTrue();
    assertRefused(RejectionReason.UNKNOWN_TRUST_DOMAIN);
  }

  @Test
  void aChainThatWasAcceptedIsRefusedOnceItsAuthorityIsOver() {
    X509Certificate authority = domain.x509Authorities().getFirst();
    IssuedSvid longer = issued("/ns/shop/sa/longer", Duration.ofDays(10_000));
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(
                new X509Svid(longer.id(), longer.certificates(), longer.privateKey(), null),
                Map.of(domain.name(), bundle(domain.x509Authorities())),
                2)));
    assertThat(judge(longer)).isInstanceOf(Verdict.Accepted.class);

    clock.set(authority.getNotAfter().toInstant().plusMillis(1));
    assertThat(judge(longer)).isInstanceOf(Verdict.Rejected.class);
  }

  @Test
  void whatIsRememberedIsTheCertificateAndNotItsName() {
    IssuedSvid forged =
        TestTrustDomain.create(domain.name(), clock).issue(peer.id(), IssueOptions.DEFAULT);
    assertThat(judge(forged))
        .isInstanceOfSatisfying(
            Verdict.Rejected.class,
            rejected -> assertThat(rejected.reason()).isEqualTo(RejectionReason.UNKNOWN_AUTHORITY));
  }

  private void assertRefused(RejectionReason reason) {
    assertThat(judge(peer))
        .isInstanceOfSatisfying(
            Verdict.Rejected.class, rejected -> assertThat(rejected.reason()).isEqualTo(reason));
  }

  private Verdict judge(IssuedSvid svid) {
    return admission.judge(svid.certificates(), null, null, trust.current());
  }

  private IssuedSvid issued(String path, Duration life) {
    return domain.issue(
        domain.name().id(path),
        IssueOptions.DEFAULT.timeToLive(life).backdated(Duration.ofMinutes(1)));
  }

  private TrustBundle bundle(List<X509Certificate> authorities) {
    return new TrustBundle(domain.name(), authorities);
  }
}
