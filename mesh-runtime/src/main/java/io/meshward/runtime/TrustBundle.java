package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The X.509 authorities of one trust domain. Never merged with those of another (SPIFFE trust
 * domain and bundle, 4). An empty one trusts nothing. Immutable.
 */
public final class TrustBundle {
  private static final int KEY_CERT_SIGN_BIT = 5;

  private final TrustDomain trustDomain;
  private final List<X509Certificate> authorities;
  private final List<TrustAnchor> anchors;

  public TrustBundle(TrustDomain trustDomain, List<X509Certificate> authorities) {
    this.trustDomain = trustDomain;
    this.authorities = List.copyOf(new LinkedHashSet<>(authorities));
    this.anchors =
        this.authorities.stream()
            .filter(TrustBundle::maySign)
            .map(each -> new TrustAnchor(each, null))
            .toList();
  }

  /** The trust domain these authorities sign for. */
  public TrustDomain trustDomain() {
    return trustDomain;
  }

  /** The authorities' certificates. */
  public List<X509Certificate> authorities() {
    return authorities;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TrustBundle that
        && trustDomain.equals(that.trustDomain)
        && authorities.equals(that.authorities);
  }

  @Override
  public int hashCode() {
    return Objects.hash(trustDomain, authorities);
  }

  @Override
  public String toString() {
    return "TrustBundle[" + trustDomain + ", " + authorities.size() + " authorities]";
  }

  /**
   * What a path may end at now. Path validation does not look at the anchor itself: whether it is
   * an authority and within its validity is judged here.
   */
  Set<TrustAnchor> anchors(Instant now) {
    return anchors.stream()
        .filter(anchor -> isValidAt(anchor.getTrustedCert(), now))
        .collect(Collectors.toUnmodifiableSet());
  }

  private static boolean isValidAt(X509Certificate authority, Instant now) {
    return !now.isBefore(authority.getNotBefore().toInstant())
        && !now.isAfter(authority.getNotAfter().toInstant());
  }

  /** A signing certificate has the CA flag, and keyCertSign (X509-SVID 4.1 and 4.3). */
  static boolean maySign(X509Certificate authority) {
    boolean[] usage = authority.getKeyUsage();
    return authority.getBasicConstraints() != -1 && (usage == null || usage[KEY_CERT_SIGN_BIT]);
  }

  /** Names of the authorities' keys: SHA-256 of each SubjectPublicKeyInfo, in hexadecimal. */
  Set<String> keys() {
    return authorities.stream()
        .map(Certificates::keyHash)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }
}
