package io.meshward.runtime;

import java.time.Instant;

/** How a workload's own identity stands. */
public sealed interface RuntimeState {

  /** No SVID has come yet. */
  record Starting(String problem) implements RuntimeState {}

  /** The SVID is valid and recent. */
  record Ready(X509Svid svid) implements RuntimeState {}

  /** The SVID is valid, but no newer one came although two thirds of its life are over. */
  record Stale(X509Svid svid, String problem) implements RuntimeState {}

  /** The Workload API took the identity back; nothing is served or dialled. */
  record Withdrawn(String reason) implements RuntimeState {}

  /** The SVID is past its validity; nothing is served or dialled. */
  record Expired(Instant since) implements RuntimeState {}
}
