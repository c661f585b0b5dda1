package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import io.spiffe.bundle.x509bundle.X509Bundle;
import io.spiffe.exception.BundleNotFoundException;
import io.spiffe.svid.x509svid.X509SvidValidator;
import java.security.GeneralSecurityException;
import java.security.Security;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Our verifier beside the JDK's path validation and java-spiffe: where they differ, and why. */
class X509DifferentialTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final SpiffeId ORDERS = SHOP.name().id("/ns/shop/sa/orders");

  /** Good paths of RFC 5280 that are no X.509-SVIDs (X509-SVID 2, 3 and 5.2). */
  private static final Set<Variation> GOOD_PATHS_ONLY =
      EnumSet.of(
          Variation.CERTIFICATE_AUTHORITY,
          Variation.KEY_CERT_SIGN,
          Variation.CRL_SIGN,
          Variation.TWO_SPIFFE_IDS,
          Variation.HTTPS_URI_TOO,
          Variation.HTTPS_URI_ONLY,
          Variation.MALFORMED_ID,
          Variation.NO_URI,
          Variation.NO_NAMES,
          Variation.NO_PATH,
          // Whether a peer has the key is for the handshake to find out.
          Variation.WRONG_KEY);

  /**
   * What java-spiffe lets in although X509-SVID 5.2 forbids it. It refuses a trust domain in upper
   * case, which SPIFFE-ID 2.4 lets a parser take.
   */
  private static final Set<Variation> FAULTS_OF_JAVA_SPIFFE =
      EnumSet.of(
          Variation.CERTIFICATE_AUTHORITY,
          Variation.KEY_CERT_SIGN,
          Variation.CRL_SIGN,
          Variation.HTTPS_URI_TOO,
          Variation.NO_PATH,
          Variation.WRONG_KEY);

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NO_SUBJECT_NAMES_NOT_CRITICAL", "ROOT_ITSELF"})
  void whatWeAcceptHasAGoodPathAndWhatHasNoneWeRefuse(Variation variation) {
    IssuedSvid svid = SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(variation));

    boolean ours = accepts(svid);
    boolean path = hasPath(svid);

    assertThat(path).isEqualTo(ours || GOOD_PATHS_ONLY.contains(variation));
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NO_SUBJECT_NAMES_NOT_CRITICAL", "ROOT_ITSELF"})
  void differsFromJavaSpiffeOnlyWhereThatBreaksTheStandard(Variation variation) {
    IssuedSvid svid = SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(variation));

    boolean ours = accepts(svid);
    boolean theirs = javaSpiffeAccepts(svid);

    boolean refusedByThemAlone = variation == Variation.UPPER_CASE_TRUST_DOMAIN;
    assertThat(theirs)
        .isEqualTo((ours && !refusedByThemAlone) || FAULTS_OF_JAVA_SPIFFE.contains(variation));
  }

  /** BouncyCastle agrees in all; the JDK but for what {@link NameConstraints} says of it. */
  @Test
  void judgesNameConstraintsAsOthersDoButForTheFaultsOfTheJdk() {
    Set<Boolean> seen = new HashSet<>();
    for (long seed = 1; seed <= 43; seed++) {
      ConstrainedPath path = ConstrainedPath.random(Seeded.random(seed));

      boolean ours = path.weAccept();

      String told = "seed " + seed + ": " + path;
      assertThat(ours).as(told).isEqualTo(path.isValidBy(new BouncyCastleProvider()));
      if (!path.troublesTheJdk()) {
        assertThat(ours).as(told).isEqualTo(path.isValidBy(Security.getProvider("SUN")));
      }
      seen.add(ours);
    }
    assertThat(seen).containsExactlyInAnyOrder(true, false);
  }

  private static boolean accepts(IssuedSvid svid) {
    Verdict verdict =
        X509SvidVerifier.verify(
            svid.certificates(),
            Map.of(SHOP.name(), new TrustBundle(SHOP.name(), SHOP.x509Authorities())),
            Instant.now(),
            anyone -> false);
    return verdict instanceof Verdict.Accepted;
  }

  private static boolean hasPath(IssuedSvid svid) {
    try {
      PKIXParameters parameters =
          new PKIXParameters(
              SHOP.x509Authorities().stream()
                  .map(root -> new TrustAnchor(root, null))
                  .collect(Collectors.toSet()));
      parameters.setRevocationEnabled(false);
      CertPathValidator.getInstance("PKIX")
          .validate(
              CertificateFactory.getInstance("X.509").generateCertPath(svid.certificates()),
              parameters);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static boolean javaSpiffeAccepts(IssuedSvid svid) {
    io.spiffe.spiffeid.TrustDomain name = io.spiffe.spiffeid.TrustDomain.parse(SHOP.name().name());
    List<X509Certificate> chain = svid.certificates();
    try {
      X509SvidValidator.verifyChain(
          chain, new X509Bundle(name, new HashSet<>(SHOP.x509Authorities())));
      X509SvidValidator.verifySpiffeId(
          chain.get(0), () -> Set.of(io.spiffe.spiffeid.SpiffeId.parse(idOf(svid))));
      return true;
    } catch (CertificateException | BundleNotFoundException | RuntimeException e) {
      return false;
    }
  }

  private static String idOf(IssuedSvid svid) {
    try {
      return Certificates.uriNames(svid.leaf()).get(0);
    } catch (CertificateException e) {
      throw new IllegalStateException(e);
    }
  }
}
