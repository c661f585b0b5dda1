package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.runtime.Verdict.Accepted;
import io.meshward.runtime.Verdict.Rejected;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class X509SvidVerifierTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final TestTrustDomain OTHER = TestTrustDomain.create("other.test");
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId FOREIGN = SpiffeId.parse("spiffe://other.test/ns/shop/sa/orders");

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NO_SUBJECT_NAMES_NOT_CRITICAL")
  void judgesEachVariationOfAnSvid(Variation variation) {
    IssuedSvid svid = SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(variation));

    Verdict verdict = verify(svid, Instant.now());

    RejectionReason expected = ExpectedReasons.of(variation);
    if (expected == null) {
      assertThat(verdict).isEqualTo(new Accepted(ORDERS, null));
    } else {
      assertThat(verdict).isInstanceOf(Rejected.class);
      assertThat(((Rejected) verdict).reason()).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NO_SUBJECT_NAMES_NOT_CRITICAL")
  void aLenientVerdictAcceptsFaultsOfIssuersAndSaysSo(Variation variation) {
    IssuedSvid svid = SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(variation));

    Verdict verdict =
        X509SvidVerifier.verify(svid.certificates(), bundles(), Instant.now(), anyone -> false);

    RejectionReason strict = ExpectedReasons.of(variation);
    if (strict == null || variation.verdict() == Variation.Verdict.ISSUER_FAULT) {
      assertThat(verdict).isEqualTo(new Accepted(ORDERS, strict));
    } else {
      assertRejected(verdict, strict);
    }
  }

  @Test
  void theProfileSaysOfWhomTheRulesForIssuersAreEnforced() {
    assertThat(SvidProfile.STRICT.isStrictFor(OTHER.name(), SHOP.name())).isTrue();
    assertThat(SvidProfile.STRICT_AT_HOME.isStrictFor(SHOP.name(), SHOP.name())).isTrue();
    assertThat(SvidProfile.STRICT_AT_HOME.isStrictFor(OTHER.name(), SHOP.name())).isFalse();
    assertThat(SvidProfile.STRICT_AT_HOME.isStrictFor(SHOP.name(), null)).isFalse();
    assertThat(SvidProfile.LENIENT.isStrictFor(SHOP.name(), SHOP.name())).isFalse();
  }

  @Test
  void anAuthorityThatIsOverOrMayNotSignIsNone() {
    IssuedSvid svid = SHOP.issue(ORDERS);
    Instant rootEnd = SHOP.x509Authorities().get(0).getNotAfter().toInstant();
    TrustBundle noAuthority = new TrustBundle(SHOP.name(), List.of(SHOP.issue(ORDERS).leaf()));

    assertThat(bundle(SHOP).anchors(rootEnd)).hasSize(1);
    assertThat(bundle(SHOP).anchors(rootEnd.plusSeconds(1))).isEmpty();
    assertThat(noAuthority.anchors(Instant.now())).isEmpty();
    assertRejected(verify(svid, rootEnd.plusSeconds(1)), RejectionReason.UNKNOWN_TRUST_DOMAIN);
  }

  @Test
  void looksAtNothingThatFollowsAnAuthorityOfTheBundle() {
    IssuedSvid svid = SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(Variation.INTERMEDIATE));
    X509Certificate root = SHOP.x509Authorities().get(0);
    List<X509Certificate> longer =
        Stream.concat(svid.certificates().stream(), Stream.of(root, OTHER.x509Authorities().get(0)))
            .toList();

    assertThat(X509SvidVerifier.verify(longer, bundles(), Instant.now(), anyone -> true))
        .isEqualTo(new Accepted(ORDERS, null));
  }

  @Test
  void refusesAnIdOfATrustDomainWithoutBundle() {
    assertRejected(
        verify(OTHER.issue(FOREIGN), Instant.now()), RejectionReason.UNKNOWN_TRUST_DOMAIN);
  }

  @Test
  void refusesAnEmptyBundleAsIfThereWereNone() {
    Verdict verdict =
        X509SvidVerifier.verify(
            SHOP.issue(ORDERS).certificates(),
            Map.of(SHOP.name(), new TrustBundle(SHOP.name(), List.of())),
            Instant.now(),
            anyone -> true);

    assertRejected(verdict, RejectionReason.UNKNOWN_TRUST_DOMAIN);
  }

  @Test
  void refusesAForeignIdSignedByOurAuthority() {
    assertRejected(
        verify(SHOP.issue(FOREIGN), Instant.now()), RejectionReason.TRUST_DOMAIN_BUNDLE_MISMATCH);
  }

  @Test
  void refusesOurIdSignedByTheAuthorityOfAnotherKnownTrustDomain() {
    Map<TrustDomain, TrustBundle> both =
        Map.of(SHOP.name(), bundle(SHOP), OTHER.name(), bundle(OTHER));

    Verdict verdict =
        X509SvidVerifier.verify(
            OTHER.issue(ORDERS).certificates(), both, Instant.now(), anyone -> true);

    assertRejected(verdict, RejectionReason.TRUST_DOMAIN_BUNDLE_MISMATCH);
  }

  @Test
  void refusesOurIdSignedByAnUnknownAuthority() {
    assertRejected(verify(OTHER.issue(ORDERS), Instant.now()), RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void saysNothingOfExpiryForAChainThatWasNeverGood() {
    IssuedSvid svid = OTHER.issue(ORDERS, IssueOptions.DEFAULT.with(Variation.EXPIRED));

    assertRejected(verify(svid, Instant.now()), RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void refusesNoCertificates() {
    Verdict verdict = X509SvidVerifier.verify(List.of(), bundles(), Instant.now(), anyone -> true);

    assertRejected(verdict, RejectionReason.NO_CLIENT_CERT);
  }

  @Test
  void judgesValidityByTheGivenClockAndSaysHowFarItIsOff() {
    IssuedSvid svid = SHOP.issue(ORDERS);

    assertThat(verify(svid, svid.notBefore())).isEqualTo(new Accepted(ORDERS, null));
    assertThat(verify(svid, svid.notAfter())).isEqualTo(new Accepted(ORDERS, null));
    Rejected late = rejected(verify(svid, svid.notAfter().plusSeconds(5)));
    assertThat(late.reason()).isEqualTo(RejectionReason.EXPIRED);
    assertThat(late.skewMs()).isEqualTo(5_000);
    assertThat(late.reason().result()).isEqualTo(Result.CERTIFICATE_EXPIRED);
    Rejected early = rejected(verify(svid, svid.notBefore().minusSeconds(7)));
    assertThat(early.reason()).isEqualTo(RejectionReason.NOT_YET_VALID);
    assertThat(early.skewMs()).isEqualTo(7_000);
  }

  @Test
  void refusesWhatARetiredAuthoritySigned() {
    TestTrustDomain domain = TestTrustDomain.create("shop.test");
    IssuedSvid old = domain.issue(ORDERS);
    domain.prepareX509Authority();
    domain.activateX509Authority();
    Map<TrustDomain, TrustBundle> during = Map.of(domain.name(), bundle(domain));
    domain.retireX509Authorities();
    Map<TrustDomain, TrustBundle> after = Map.of(domain.name(), bundle(domain));

    assertThat(X509SvidVerifier.verify(old.certificates(), during, Instant.now(), anyone -> true))
        .isEqualTo(new Accepted(ORDERS, null));
    assertRejected(
        X509SvidVerifier.verify(old.certificates(), after, Instant.now(), anyone -> true),
        RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void refusesAChainThatIsTooLong() {
    List<X509Certificate> chain =
        Stream.generate(() -> SHOP.issue(ORDERS).leaf()).limit(11).toList();

    assertRejected(
        X509SvidVerifier.verify(chain, bundles(), Instant.now(), anyone -> true),
        RejectionReason.CHAIN_TOO_LONG);
  }

  @Test
  void keepsTheClaimOfARefusedLeafButNoMoreThanAnIdCouldHave() {
    Rejected verdict = rejected(verify(OTHER.issue(ORDERS), Instant.now()));

    assertThat(verdict.claimedId()).isEqualTo(ORDERS.toString());
    assertThat(X509SvidVerifier.clipped("x".repeat(5_000))).hasSize(2_048);
  }

  private static Verdict verify(IssuedSvid svid, Instant now) {
    return X509SvidVerifier.verify(svid.certificates(), bundles(), now, anyone -> true);
  }

  private static Map<TrustDomain, TrustBundle> bundles() {
    return Map.of(SHOP.name(), bundle(SHOP));
  }

  private static TrustBundle bundle(TestTrustDomain domain) {
    return new TrustBundle(domain.name(), domain.x509Authorities());
  }

  private static Rejected rejected(Verdict verdict) {
    assertThat(verdict).isInstanceOf(Rejected.class);
    return (Rejected) verdict;
  }

  private static void assertRejected(Verdict verdict, RejectionReason expected) {
    assertThat(rejected(verdict).reason()).isEqualTo(expected);
  }
}
