package io.meshward.runtime;

import java.security.GeneralSecurityException;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXCertPathValidatorResult;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Validates the path from a leaf to an authority of a bundle (RFC 5280 6.1): by the JDK, but for
 * name constraints, which {@link NameConstraints} judges, and for the authority's own limits, which
 * the JDK does not ask for. Pure functions; thread-safe.
 */
final class PathValidation {
  private static final int SMALLEST_RSA_BITS = 2048;
  private static final List<String> WEAK_HASHES = List.of("SHA1", "MD5", "MD2");
  private static final String POLICY_CONSTRAINTS = "2.5.29.36";

  private PathValidation() {}

  /**
   * What is wrong with every path that the chain has to an authority of the bundle; nothing if one
   * is valid. It need not take all that was sent: what comes above a certificate that an authority
   * signed says nothing, be it that authority itself or the one that once certified it.
   *
   * <p>A name costs nothing: whoever names an authority again and again is believed to have no path
   * after {@value SentChain#MOST_SIGNATURES} that lead nowhere.
   *
   * @param chain the leaf first, then what leads upwards
   * @param at the instant that the leaf and its intermediates must be valid at
   * @param now the instant that the authority must be valid at
   */
  static @Nullable CertPathValidatorException failure(
      List<X509Certificate> chain, TrustBundle bundle, Instant at, Instant now) {
    Set<TrustAnchor> anchors = bundle.anchors(now);
    CertPathValidatorException failure = null;
    int tries = SentChain.MOST_SIGNATURES;
    for (int length = 1; length <= chain.size() && tries > 0; length++) {
      X500Principal issuer = chain.get(length - 1).getIssuerX500Principal();
      if (anchors.stream()
          .anyMatch(anchor -> anchor.getTrustedCert().getSubjectX500Principal().equals(issuer))) {
        tries--;
        try {
          validate(chain.subList(0, length), anchors, at);
          return null;
        } catch (CertPathValidatorException e) {
          failure = failure == null ? e : failure;
        }
      }
    }
    return failure != null ? failure : broken(PKIXReason.NO_TRUST_ANCHOR, "nobody known signed it");
  }

  /**
   * Validates one path. Where an intermediate has name constraints, the JDK sees the part above it,
   * itself included, and then the part below it, with it as the authority: so it has none to judge.
   */
  private static void validate(List<X509Certificate> path, Set<TrustAnchor> anchors, Instant at)
      throws CertPathValidatorException {
    // Policies bind all that is below: such a path has to be seen as a whole.
    boolean whole =
        path.stream().noneMatch(NameConstraints::areIn)
            || path.stream().anyMatch(each -> each.getExtensionValue(POLICY_CONSTRAINTS) != null);
    Set<TrustAnchor> above = anchors;
    int end = path.size();
    for (int i = end - 1; i >= 0; i--) {
      X509Certificate certificate = path.get(i);
      if (i == 0 || (!whole && NameConstraints.areIn(certificate))) {
        X509Certificate authority = validateByJdk(path.subList(i, end), above, at);
        requireLimits(authority, path.subList(0, end));
        above = Set.of(new TrustAnchor(certificate, null));
        end = i;
      }
      if (i > 0 && !whole) {
        requireAuthority(certificate, i - 1);
      }
    }
  }

  private static X509Certificate validateByJdk(
      List<X509Certificate> path, Set<TrustAnchor> anchors, Instant at)
      throws CertPathValidatorException {
    try {
      CertPath certPath = CertificateFactory.getInstance("X.509").generateCertPath(path);
      PKIXParameters parameters = new PKIXParameters(anchors);
      parameters.setRevocationEnabled(false);
      parameters.setDate(Date.from(at));
      return ((PKIXCertPathValidatorResult)
              CertPathValidator.getInstance("PKIX").validate(certPath, parameters))
          .getTrustAnchor()
          .getTrustedCert();
    } catch (CertPathValidatorException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw new CertPathValidatorException("the path cannot be validated", e);
    }
  }

  /**
   * Requires that an authority's limits leave room for the path below it (RFC 5280 4.2.1.9 and
   * 4.2.1.10), and that all of it is strong enough to be believed.
   */
  private static void requireLimits(X509Certificate authority, List<X509Certificate> below)
      throws CertPathValidatorException {
    if (below.size() - 1 > authority.getBasicConstraints()) {
      throw broken(PKIXReason.PATH_TOO_LONG, "more intermediates than the authority allows");
    }
    String weakness =
        Stream.concat(below.stream().map(PathValidation::weakness), Stream.of(weakKey(authority)))
            .flatMap(Optional::stream)
            .findFirst()
            .orElse(null);
    if (weakness != null) {
      throw broken(BasicReason.ALGORITHM_CONSTRAINED, weakness);
    }
    try {
      NameConstraints constraints = NameConstraints.of(authority);
      for (X509Certificate each : below) {
        if (!constraints.allow(each)) {
          throw broken(
              PKIXReason.INVALID_NAME, "a name outside of the authority's name constraints");
        }
      }
    } catch (CertificateParsingException | IllegalArgumentException e) {
      throw broken(PKIXReason.INVALID_NAME, "names that cannot be judged: " + e.getMessage());
    }
  }

  /** What the JDK asks of an intermediate, and cannot where it sees only a part of the path. */
  private static void requireAuthority(X509Certificate intermediate, int intermediatesBelow)
      throws CertPathValidatorException {
    if (!TrustBundle.maySign(intermediate)) {
      throw broken(PKIXReason.NOT_CA_CERT, "an intermediate may not sign certificates");
    }
    if (intermediatesBelow > intermediate.getBasicConstraints()) {
      throw broken(PKIXReason.PATH_TOO_LONG, "more intermediates than one of them allows");
    }
  }

  private static CertPathValidatorException broken(
      CertPathValidatorException.Reason rule, String words) {
    return new CertPathValidatorException(words, null, null, -1, rule);
  }

  /**
   * RFC 8446 4.4.2.4 and RFC 9155 advise against SHA-1; the JDK takes it of private authorities.
   */
  private static Optional<String> weakness(X509Certificate certificate) {
    return WEAK_HASHES.stream()
            .anyMatch(certificate.getSigAlgName().toUpperCase(Locale.ROOT)::startsWith)
        ? Optional.of("a certificate is signed by " + certificate.getSigAlgName())
        : weakKey(certificate);
  }

  private static Optional<String> weakKey(X509Certificate certificate) {
    return certificate.getPublicKey() instanceof RSAPublicKey rsa
            && rsa.getModulus().bitLength() < SMALLEST_RSA_BITS
        ? Optional.of("an RSA key of " + rsa.getModulus().bitLength() + " bits is too small")
        : Optional.empty();
  }
}
