package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import org.jspecify.annotations.Nullable;

/**
 * How much of what X509-SVID 4 demands of issuers is demanded of a peer's certificate: a critical
 * key usage with digitalSignature, and both serverAuth and clientAuth in an extended key usage.
 * What X509-SVID 5.2 demands of validators always is.
 */
public enum SvidProfile {
  /** Of every peer. */
  STRICT,
  /**
   * Of peers of this workload's own trust domain, whose issuer is known to keep to it. In others
   * the event of the handshake tells.
   */
  STRICT_AT_HOME,
  /** Of none; the event of the handshake tells. */
  LENIENT;

  boolean isStrictFor(TrustDomain peer, @Nullable TrustDomain own) {
    return switch (this) {
      case STRICT -> true;
      case STRICT_AT_HOME -> peer.equals(own);
      case LENIENT -> false;
    };
  }
}
