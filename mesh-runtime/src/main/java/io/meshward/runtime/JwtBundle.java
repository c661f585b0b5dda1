package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The JWT authorities of one trust domain; an empty one trusts nothing. Immutable.
 *
 * @param authorities in the order of the document
 */
record JwtBundle(TrustDomain trustDomain, List<JwtAuthority> authorities) {
  JwtBundle {
    authorities = List.copyOf(authorities);
  }

  /** The authorities that may have signed a token: those of its key ID, or all if it has none. */
  List<JwtAuthority> candidates(@Nullable String keyId) {
    return keyId == null
        ? authorities
        : authorities.stream().filter(authority -> authority.keyId().equals(keyId)).toList();
  }
}
