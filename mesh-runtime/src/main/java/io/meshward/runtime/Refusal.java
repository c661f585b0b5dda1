package io.meshward.runtime;

import io.grpc.Status;

/**
 * Why this side does not speak with a peer, or not any more, as its own callers are told.
 * Immutable.
 *
 * @param code {@code PERMISSION_DENIED} where a hold is why, which no try will change, else {@code
 *     UNAVAILABLE}
 * @param words what is wrong, for people
 */
record Refusal(Status.Code code, String words) {
  static final Refusal SVID_ENDS =
      unavailable("an SVID of this connection is over, or about to be");
  static final Refusal CLOSED = unavailable("the mesh runtime is closed");

  static Refusal of(Verdict.Rejected rejected) {
    RejectionReason reason = rejected.reason();
    boolean own =
        reason == RejectionReason.OWN_QUARANTINED || reason == RejectionReason.NO_OWN_SVID;
    boolean held =
        reason == RejectionReason.OWN_QUARANTINED || reason == RejectionReason.QUARANTINED;
    return new Refusal(
        held ? Status.Code.PERMISSION_DENIED : Status.Code.UNAVAILABLE,
        own ? rejected.words() : "the peer is refused: " + rejected.words());
  }

  static Refusal unavailable(String words) {
    return new Refusal(Status.Code.UNAVAILABLE, words);
  }

  Status status() {
    return code.toStatus().withDescription(words);
  }
}
