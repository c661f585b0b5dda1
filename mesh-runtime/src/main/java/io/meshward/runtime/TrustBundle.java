package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
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
  private static final String NAME_CONSTRAINTS = "2.5.29.30";

  private final TrustDomain trustDomain;
  private final List<X509Certificate> authorities;
  private final Set<TrustAnchor> anchors;

  public TrustBundle(TrustDomain trustDomain, List<X509Certificate> authorities) {
    this.trustDomain = trustDomain;
    this.authorities = List.copyOf(new LinkedHashSet<>(authorities));
    this.anchors =
        this.authorities.stream().map(TrustBundle::anchor).collect(Collectors.toUnmodifiableSet());
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

  Set<TrustAnchor> anchors() {
    return anchors;
  }

  /** Names of the authorities' keys: SHA-256 of each SubjectPublicKeyInfo, in hexadecimal. */
  Set<String> keys() {
    return authorities.stream()
        .map(Certificates::keyHash)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** An anchor's own name constraints bind only if they are handed over beside it (RFC 5280, 6). */
  private static TrustAnchor anchor(X509Certificate authority) {
    byte[] extension = authority.getExtensionValue(NAME_CONSTRAINTS);
    return new TrustAnchor(
        authority, extension == null ? null : Certificates.unwrapOctetString(extension));
  }
}
