package io.meshward.runtime;

import static io.meshward.runtime.RejectionReason.CA_AS_LEAF;
import static io.meshward.runtime.RejectionReason.CHAIN_TOO_LONG;
import static io.meshward.runtime.RejectionReason.CRL_SIGN;
import static io.meshward.runtime.RejectionReason.EXPIRED;
import static io.meshward.runtime.RejectionReason.EXTENDED_KEY_USAGE;
import static io.meshward.runtime.RejectionReason.INVALID_SPIFFE_ID;
import static io.meshward.runtime.RejectionReason.KEY_CERT_SIGN;
import static io.meshward.runtime.RejectionReason.KEY_TOO_COSTLY;
import static io.meshward.runtime.RejectionReason.KEY_USAGE_MISSING;
import static io.meshward.runtime.RejectionReason.KEY_USAGE_NOT_CRITICAL;
import static io.meshward.runtime.RejectionReason.MALFORMED;
import static io.meshward.runtime.RejectionReason.NOT_YET_VALID;
import static io.meshward.runtime.RejectionReason.NO_CLIENT_CERT;
import static io.meshward.runtime.RejectionReason.NO_DIGITAL_SIGNATURE;
import static io.meshward.runtime.RejectionReason.NO_PATH;
import static io.meshward.runtime.RejectionReason.NO_URI_SAN;
import static io.meshward.runtime.RejectionReason.PATH_ALGORITHM;
import static io.meshward.runtime.RejectionReason.PATH_CRITICAL_EXTENSION;
import static io.meshward.runtime.RejectionReason.PATH_EXPIRED;
import static io.meshward.runtime.RejectionReason.PATH_INVALID;
import static io.meshward.runtime.RejectionReason.PATH_NAME_CONSTRAINTS;
import static io.meshward.runtime.RejectionReason.PATH_NOT_AUTHORITY;
import static io.meshward.runtime.RejectionReason.PATH_NOT_YET_VALID;
import static io.meshward.runtime.RejectionReason.PATH_SIGNATURE;
import static io.meshward.runtime.RejectionReason.PATH_TOO_LONG;
import static io.meshward.runtime.RejectionReason.SEVERAL_URI_SANS;
import static io.meshward.runtime.RejectionReason.TRUST_DOMAIN_BUNDLE_MISMATCH;
import static io.meshward.runtime.RejectionReason.UNKNOWN_AUTHORITY;
import static io.meshward.runtime.RejectionReason.UNKNOWN_TRUST_DOMAIN;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXReason;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a chain is a valid X.509-SVID (X509-SVID 2 to 5, RFC 5280 6).
 *
 * <p>The leaf's profile first: exactly one URI name, a SPIFFE ID with a path, no authority's
 * rights. Where they are enforced, the rules for issuers. Then its path to the bundle of the very
 * trust domain that its ID names, and to no other. Validity in time comes last and is judged by the
 * given instant: so "expired" is only ever said of a chain that was good once. Pure functions;
 * thread-safe.
 */
final class X509SvidVerifier {
  private static final int DIGITAL_SIGNATURE = 0;
  private static final int KEY_CERT_SIGN_BIT = 5;
  private static final int CRL_SIGN_BIT = 6;
  private static final String KEY_USAGE = "2.5.29.15";
  private static final Set<String> BOTH_SIDES = Set.of("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");

  private X509SvidVerifier() {}

  /**
   * Judges a chain.
   *
   * @param chain the leaf first, then intermediates in order
   * @param bundles the trusted authorities of each trust domain
   * @param now the time to judge by
   * @param strict of whose SVIDs the rules for issuers are enforced too
   */
  static Verdict verify(
      List<X509Certificate> chain,
      Map<TrustDomain, TrustBundle> bundles,
      Instant now,
      Predicate<TrustDomain> strict) {
    if (chain.isEmpty()) {
      return new Verdict.Rejected(NO_CLIENT_CERT, null, 0, "the peer sent no certificate");
    }
    X509Certificate leaf = chain.get(0);
    List<String> names;
    try {
      names = Certificates.uriNames(leaf);
    } catch (CertificateParsingException e) {
      return new Verdict.Rejected(
          MALFORMED, null, 0, "the subject alternative names cannot be read: " + e.getMessage());
    }
    String claimed = names.isEmpty() ? null : clipped(names.get(0));
    Refusals refusals = new Refusals(claimed);
    if (chain.size() > SentChain.MOST_CERTIFICATES) {
      return refusals.because(
          CHAIN_TOO_LONG,
          chain.size() + " certificates: expected at most " + SentChain.MOST_CERTIFICATES);
    }
    for (X509Certificate sent : chain) {
      String costly = SentChain.costlyKey(sent);
      if (costly != null) {
        return refusals.because(KEY_TOO_COSTLY, costly);
      }
    }
    if (names.size() != 1) {
      return names.isEmpty()
          ? refusals.because(NO_URI_SAN, "no URI among the subject alternative names")
          : refusals.because(
              SEVERAL_URI_SANS,
              names.size() + " URIs among the subject alternative names: expected one");
    }
    SpiffeId id;
    try {
      id = SpiffeId.parse(names.get(0));
    } catch (InvalidSpiffeIdException e) {
      return refusals.because(INVALID_SPIFFE_ID, String.valueOf(e.getMessage()));
    }
    Verdict.Rejected broken = profile(leaf, id, refusals);
    if (broken != null) {
      return broken;
    }
    Verdict.Rejected fault = issuerFault(leaf, refusals);
    if (fault != null && strict.test(id.trustDomain())) {
      return fault;
    }
    Verdict.Rejected untrusted = path(chain, id, bundles, now, refusals);
    return untrusted != null
        ? untrusted
        : new Verdict.Accepted(id, fault == null ? null : fault.reason());
  }

  /**
   * Whether a leaf's one URI name is a SPIFFE ID that is not in its canonical form: readers accept
   * upper case in scheme and trust domain (SPIFFE-ID 2.4), issuers must not write it (2.1).
   */
  static boolean isNonCanonical(X509Certificate leaf) {
    try {
      List<String> names = Certificates.uriNames(leaf);
      return names.size() == 1 && !SpiffeId.parse(names.get(0)).toString().equals(names.get(0));
    } catch (CertificateParsingException | InvalidSpiffeIdException e) {
      return false;
    }
  }

  /** What every validator must check (X509-SVID 5.2). */
  private static Verdict.@Nullable Rejected profile(
      X509Certificate leaf, SpiffeId id, Refusals refusals) {
    if (leaf.getBasicConstraints() != -1) {
      return refusals.because(CA_AS_LEAF, "the leaf is a certificate authority");
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage != null && usage[KEY_CERT_SIGN_BIT]) {
      return refusals.because(KEY_CERT_SIGN, "the leaf may sign certificates");
    }
    if (usage != null && usage[CRL_SIGN_BIT]) {
      return refusals.because(CRL_SIGN, "the leaf may sign revocation lists");
    }
    if (!id.hasPath()) {
      return refusals.because(NO_PATH, "the ID is that of a trust domain, not of a workload");
    }
    return null;
  }

  /** What the standard demands of issuers only (X509-SVID 4.3 and 4.4). */
  private static Verdict.@Nullable Rejected issuerFault(X509Certificate leaf, Refusals refusals) {
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null) {
      return refusals.because(KEY_USAGE_MISSING, "the leaf has no key usage");
    }
    if (!leaf.getCriticalExtensionOIDs().contains(KEY_USAGE)) {
      return refusals.because(KEY_USAGE_NOT_CRITICAL, "the leaf's key usage is not critical");
    }
    if (!usage[DIGITAL_SIGNATURE]) {
      return refusals.because(NO_DIGITAL_SIGNATURE, "the leaf's key usage has no digitalSignature");
    }
    try {
      List<String> extended = leaf.getExtendedKeyUsage();
      if (extended != null && !extended.containsAll(BOTH_SIDES)) {
        return refusals.because(
            EXTENDED_KEY_USAGE, "extended key usage is present and lacks serverAuth or clientAuth");
      }
    } catch (CertificateParsingException e) {
      return refusals.because(MALFORMED, "the extended key usage cannot be read");
    }
    return null;
  }

  private static Verdict.@Nullable Rejected path(
      List<X509Certificate> chain,
      SpiffeId id,
      Map<TrustDomain, TrustBundle> bundles,
      Instant now,
      Refusals refusals) {
    X509Certificate leaf = chain.get(0);
    Instant notBefore = leaf.getNotBefore().toInstant();
    Instant notAfter = leaf.getNotAfter().toInstant();
    Instant within = now.isBefore(notBefore) ? notBefore : now.isAfter(notAfter) ? notAfter : now;
    TrustBundle own = bundles.get(id.trustDomain());
    if (bundles.values().stream().anyMatch(bundle -> bundle.authorities().contains(leaf))) {
      return refusals.because(CA_AS_LEAF, "the leaf is itself an authority of a bundle");
    }
    CertPathValidatorException failure =
        own == null || own.anchors(now).isEmpty()
            ? null
            : PathValidation.failure(chain, own, within, now);
    if (own == null || own.anchors(now).isEmpty() || failure != null) {
      for (TrustBundle other : bundles.values()) {
        if (!other.trustDomain().equals(id.trustDomain())
            && !other.anchors(now).isEmpty()
            && PathValidation.failure(chain, other, within, now) == null) {
          return refusals.because(
              TRUST_DOMAIN_BUNDLE_MISMATCH,
              "the chain is signed by authorities of " + other.trustDomain());
        }
      }
    }
    if (own == null || own.anchors(now).isEmpty()) {
      return refusals.because(
          UNKNOWN_TRUST_DOMAIN, "no authority is valid in a bundle for " + id.trustDomain());
    }
    if (failure != null) {
      return failure.getReason() == PKIXReason.NO_TRUST_ANCHOR
          ? refusals.because(
              UNKNOWN_AUTHORITY, "no authority of " + id.trustDomain() + " signed it")
          : refusals.because(rule(failure.getReason()), String.valueOf(failure.getMessage()));
    }
    if (now.isBefore(notBefore)) {
      return refusals.outsideValidity(
          NOT_YET_VALID, Duration.between(now, notBefore), "valid from " + notBefore);
    }
    // RFC 5280 counts the second of notAfter in; a reader of an instant is past it afterwards.
    if (now.isAfter(notAfter)) {
      return refusals.outsideValidity(
          EXPIRED, Duration.between(notAfter, now), "valid until " + notAfter);
    }
    return null;
  }

  /** Which rule of RFC 5280 6.1 the path breaks, as the JDK names it. */
  private static RejectionReason rule(CertPathValidatorException.Reason broken) {
    return switch (broken) {
      case BasicReason.INVALID_SIGNATURE -> PATH_SIGNATURE;
      case BasicReason.ALGORITHM_CONSTRAINED -> PATH_ALGORITHM;
      case BasicReason.EXPIRED -> PATH_EXPIRED;
      case BasicReason.NOT_YET_VALID -> PATH_NOT_YET_VALID;
      case PKIXReason.INVALID_NAME -> PATH_NAME_CONSTRAINTS;
      case PKIXReason.NOT_CA_CERT, PKIXReason.INVALID_KEY_USAGE -> PATH_NOT_AUTHORITY;
      case PKIXReason.PATH_TOO_LONG -> PATH_TOO_LONG;
      case PKIXReason.UNRECOGNIZED_CRIT_EXT -> PATH_CRITICAL_EXTENSION;
      default -> PATH_INVALID;
    };
  }

  /** As much of a claimed name as a SPIFFE ID could have. */
  static String clipped(String claimed) {
    return claimed.length() <= 2048 ? claimed : claimed.substring(0, 2048);
  }

  /** Refusals of one leaf. */
  private record Refusals(@Nullable String claimedId) {
    Verdict.Rejected because(RejectionReason reason, String words) {
      return new Verdict.Rejected(reason, claimedId, 0, words);
    }

    Verdict.Rejected outsideValidity(RejectionReason reason, Duration skew, String words) {
      return new Verdict.Rejected(reason, claimedId, skew.toMillis(), words);
    }
  }
}
