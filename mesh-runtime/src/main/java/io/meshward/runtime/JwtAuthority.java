package io.meshward.runtime;

import java.security.PublicKey;
import org.jspecify.annotations.Nullable;

/**
 * A key that signs the JWT-SVIDs of a trust domain.
 *
 * @param keyId its name in the bundle
 * @param algorithm the only one it signs with, if the bundle says so
 */
record JwtAuthority(String keyId, PublicKey key, @Nullable String algorithm) {

  boolean signsWith(JwtAlgorithm candidate) {
    return candidate.fits(key) && (algorithm == null || algorithm.equals(candidate.name()));
  }
}
