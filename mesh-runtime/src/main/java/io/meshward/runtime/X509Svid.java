package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A workload's own X.509-SVID: verified, and with the key that belongs to it. Immutable.
 *
 * @param id the identity it proves
 * @param chain the leaf, then intermediates
 * @param privateKey the leaf's key; never printed
 * @param hint what the Workload API says it is for, if anything
 */
public record X509Svid(
    SpiffeId id, List<X509Certificate> chain, PrivateKey privateKey, @Nullable String hint) {
  public X509Svid {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("the SVID of " + id + " has no certificate");
    }
  }

  /** The certificate that carries the identity. */
  public X509Certificate leaf() {
    return chain.get(0);
  }

  /** The start of its validity: when it was issued, or a little earlier. */
  public Instant notBefore() {
    return leaf().getNotBefore().toInstant();
  }

  /** The end of its validity. */
  public Instant notAfter() {
    return leaf().getNotAfter().toInstant();
  }

  /** How long it lives in all. */
  public Duration lifetime() {
    return Duration.between(notBefore(), notAfter());
  }

  @Override
  public String toString() {
    return "X509Svid["
        + id
        + ", serial "
        + Certificates.serial(leaf())
        + ", until "
        + notAfter()
        + "]";
  }
}
