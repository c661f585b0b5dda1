package io.meshward.testkit;

import io.meshward.schemas.SpiffeId;
import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/**
 * An X.509-SVID with its private key: what a workload holds, and what a thief would. Immutable.
 *
 * <p>Its certificates are kept as bytes, since Java cannot parse each {@link Variation}.
 */
public final class IssuedSvid {

  private final SpiffeId id;
  private final byte[] chain;
  private final PrivateKey privateKey;

  IssuedSvid(SpiffeId id, byte[] chain, PrivateKey privateKey) {
    this.id = id;
    this.chain = chain;
    this.privateKey = privateKey;
  }

  /** The ID it was asked for, also if a variation keeps it out of the certificate. */
  public SpiffeId id() {
    return id;
  }

  /** The leaf and what is between it and the root, in DER, one after the other. */
  public byte[] derChain() {
    return chain.clone();
  }

  /**
   * The leaf and what is between it and the root.
   *
   * @throws IllegalStateException if Java cannot parse it
   */
  public List<X509Certificate> certificates() {
    return Der.certificates(chain);
  }

  /**
   * The certificate of the workload.
   *
   * @throws IllegalStateException if Java cannot parse it
   */
  public X509Certificate leaf() {
    return certificates().get(0);
  }

  /** The key of the leaf, unless {@link Variation#WRONG_KEY} was asked for. */
  public PrivateKey privateKey() {
    return privateKey;
  }

  /** The leaf's serial number. */
  public BigInteger serialNumber() {
    return leaf().getSerialNumber();
  }

  /** Since when the leaf is valid, in whole seconds. */
  public Instant notBefore() {
    return leaf().getNotBefore().toInstant();
  }

  /** Until when the leaf is valid, in whole seconds. */
  public Instant notAfter() {
    return leaf().getNotAfter().toInstant();
  }

  @Override
  public String toString() {
    return "SVID of " + id;
  }
}
