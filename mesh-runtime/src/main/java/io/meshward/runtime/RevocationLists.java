package io.meshward.runtime;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * All revocation lists, and what becomes of a chain that they do not cover (gRFC A69). Immutable.
 *
 * @param undeterminedIsRefused whether such a chain is refused
 */
record RevocationLists(List<RevocationList> lists, boolean undeterminedIsRefused) {
  static final RevocationLists NONE = new RevocationLists(List.of(), false);

  RevocationLists {
    lists = List.copyOf(lists);
  }

  /** Whether there is anything to look up or to refuse. */
  boolean matter() {
    return undeterminedIsRefused || !lists.isEmpty();
  }

  /** How many certificates they name, those that several lists name counted once. */
  int revoked() {
    return (int) lists.stream().flatMap(RevocationList::revoked).distinct().count();
  }

  /**
   * What they say of a chain: of the leaf and of each intermediate, up to the first certificate
   * that the bundle has.
   */
  RevocationStatus of(List<X509Certificate> chain, TrustBundle bundle, Instant now) {
    RevocationStatus all = RevocationStatus.UNREVOKED;
    for (int i = 0; i < chain.size() && !bundle.authorities().contains(chain.get(i)); i++) {
      X509Certificate certificate = chain.get(i);
      all =
          all.and(
              issuer(chain, i, bundle)
                  .map(issuer -> of(certificate, issuer, now))
                  .orElse(RevocationStatus.UNDETERMINED));
    }
    return all;
  }

  /** Who signed one certificate of a chain: the next one in it, or an authority of the bundle. */
  static Optional<X509Certificate> issuer(
      List<X509Certificate> chain, int index, TrustBundle bundle) {
    X509Certificate certificate = chain.get(index);
    List<X509Certificate> next = chain.subList(index + 1, Math.min(chain.size(), index + 2));
    return issuer(certificate, next).or(() -> issuer(certificate, bundle.authorities()));
  }

  private RevocationStatus of(X509Certificate certificate, X509Certificate issuer, Instant now) {
    RevocationStatus best = RevocationStatus.UNDETERMINED;
    for (RevocationList list : lists) {
      RevocationStatus said = list.status(certificate, issuer, now);
      if (said == RevocationStatus.REVOKED) {
        return said;
      }
      best = said == RevocationStatus.UNREVOKED ? said : best;
    }
    return best;
  }

  private static Optional<X509Certificate> issuer(
      X509Certificate certificate, List<X509Certificate> candidates) {
    return candidates.stream()
        .filter(candidate -> Certificates.issued(candidate, certificate))
        .findFirst();
  }
}
