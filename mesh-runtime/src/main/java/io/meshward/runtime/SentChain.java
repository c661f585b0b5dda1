package io.meshward.runtime;

import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.security.interfaces.DSAPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The certificates that a peer sent, before anything in them is proved. A handshake asks for the
 * verdict before the peer has shown that it owns a key, on the thread of many connections: so
 * nothing here costs more than a handshake does anyway. Pure functions; thread-safe.
 */
final class SentChain {
  /** As many are looked at; a path of workloads has one to three. */
  static final int MOST_CERTIFICATES = 10;

  /** So many signatures are verified at most to put a chain in order. */
  static final int MOST_SIGNATURES = 4;

  /** What Go's TLS takes of a peer since CVE-2023-29409; the JDK would take 16,384. */
  private static final int LARGEST_RSA_BITS = 8_192;

  /** What BoringSSL takes; the JDK would take as many as a modulus of 3,072 has. */
  private static final int LONGEST_EXPONENT_BITS = 33;

  private SentChain() {}

  /** Why a certificate's key takes more work than it may; nothing if it does not. */
  static @Nullable String costlyKey(X509Certificate certificate) {
    PublicKey key = certificate.getPublicKey();
    if (key instanceof DSAPublicKey) {
      return "a DSA key, which TLS 1.3 has no signatures for (RFC 8446 4.2.3)";
    }
    if (!(key instanceof RSAPublicKey rsa)) {
      return null;
    }
    if (rsa.getModulus().bitLength() > LARGEST_RSA_BITS) {
      return "an RSA key of "
          + rsa.getModulus().bitLength()
          + " bits: expected at most "
          + LARGEST_RSA_BITS;
    }
    int exponent = rsa.getPublicExponent().bitLength();
    return exponent > LONGEST_EXPONENT_BITS
        ? "an RSA key whose exponent has "
            + exponent
            + " bits: expected at most "
            + LONGEST_EXPONENT_BITS
        : null;
  }

  /**
   * The leaf, and above it what leads to its authority: a peer may send certificates in any order,
   * and some that lead nowhere (RFC 8446 4.4.2). What is here in order may still be wrong: that is
   * for path validation to find, which goes by keys that are trusted.
   */
  static List<X509Certificate> ordered(List<X509Certificate> sent, Instant now) {
    return ordered(sent, now, Certificates::isSignedBy);
  }

  /**
   * Names and key identifiers say who may have issued whom. A signature is verified only where they
   * leave a choice or are absent, and no more than {@value #MOST_SIGNATURES} times; after that the
   * first candidate is taken. An authority that was certified anew is sent twice by some peers:
   * what is valid comes before what is not.
   *
   * @param signed whether the key of the second certificate signed the first
   */
  static List<X509Certificate> ordered(
      List<X509Certificate> sent,
      Instant now,
      BiPredicate<X509Certificate, X509Certificate> signed) {
    if (sent.size() > MOST_CERTIFICATES || isInOrder(sent)) {
      return sent;
    }
    List<X509Certificate> chain = new ArrayList<>(List.of(sent.get(0)));
    int signatures = MOST_SIGNATURES;
    X509Certificate next = sent.get(0);
    while (next != null) {
      X509Certificate last = next;
      List<X509Certificate> candidates =
          sent.stream()
              .filter(each -> !chain.contains(each) && mayHaveIssued(each, last))
              .distinct()
              .sorted(
                  Comparator.<X509Certificate, Boolean>comparing(
                          each -> !isIdentifiedBy(each, last))
                      .thenComparing(each -> !isValid(each, now)))
              .toList();
      next = null;
      for (int i = 0; i < candidates.size() && next == null; i++) {
        X509Certificate candidate = candidates.get(i);
        boolean only = candidates.size() == 1 && isIdentifiedBy(candidate, last);
        if (only || signatures == 0 || costlyKey(candidate) != null) {
          next = candidate;
        } else {
          signatures--;
          next = signed.test(last, candidate) ? candidate : null;
        }
      }
      if (next != null) {
        chain.add(next);
      }
    }
    return List.copyOf(chain);
  }

  private static boolean isInOrder(List<X509Certificate> chain) {
    for (int i = 1; i < chain.size(); i++) {
      if (!isNamed(chain.get(i), chain.get(i - 1))) {
        return false;
      }
    }
    return true;
  }

  private static boolean mayHaveIssued(X509Certificate candidate, X509Certificate certificate) {
    return isNamed(candidate, certificate)
        && (Certificates.subjectKeyIdentifier(candidate) == null
            || Certificates.authorityKeyIdentifier(certificate) == null
            || isIdentifiedBy(candidate, certificate));
  }

  private static boolean isNamed(X509Certificate candidate, X509Certificate certificate) {
    return candidate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }

  private static boolean isValid(X509Certificate certificate, Instant now) {
    return !now.isBefore(certificate.getNotBefore().toInstant())
        && !now.isAfter(certificate.getNotAfter().toInstant());
  }

  /** Whether a certificate names the candidate's very key as its issuer's (RFC 5280 4.2.1.1). */
  private static boolean isIdentifiedBy(X509Certificate candidate, X509Certificate certificate) {
    String identifier = Certificates.subjectKeyIdentifier(candidate);
    return identifier != null
        && identifier.equals(Certificates.authorityKeyIdentifier(certificate));
  }
}
