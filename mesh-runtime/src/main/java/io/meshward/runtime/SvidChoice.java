package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import org.jspecify.annotations.Nullable;

/**
 * Which SVID a workload uses where the Workload API offers several: that of an ID, the first with a
 * hint, or the first of all (SPIFFE Workload API 5.2).
 */
record SvidChoice(@Nullable SpiffeId id, @Nullable String hint) {

  boolean matches(String offeredId, String offeredHint) {
    return (id == null || id.toString().equals(offeredId))
        && (hint == null || hint.equals(offeredHint));
  }

  @Override
  public String toString() {
    return id == null && hint == null
        ? "the first SVID"
        : "an SVID" + (id == null ? "" : " of " + id) + (hint == null ? "" : " with hint " + hint);
  }
}
