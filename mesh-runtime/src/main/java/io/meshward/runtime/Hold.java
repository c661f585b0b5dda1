package io.meshward.runtime;

import io.meshward.schemas.QuarantineKey;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One hold of the quarantine as a peer applies it.
 *
 * @param key what is refused, and the containment that holds it
 * @param placedAt when it was placed, by its writer's clock; absent if its value could not be read
 * @param expiresAt when it ends by itself; never, if absent
 * @param issuedBefore refuses only SVIDs whose validity starts earlier; every one, if absent
 */
public record Hold(
    QuarantineKey key,
    @Nullable Instant placedAt,
    @Nullable Instant expiresAt,
    @Nullable Instant issuedBefore) {

  /** A hold of which only the key is known: it refuses every SVID and does not end by itself. */
  public static Hold ofUnreadable(QuarantineKey key) {
    return new Hold(key, null, null, null);
  }

  boolean livesAt(Instant now) {
    return expiresAt == null || now.isBefore(expiresAt);
  }

  boolean refuses(Instant notBefore) {
    return issuedBefore == null || notBefore.isBefore(issuedBefore);
  }
}
