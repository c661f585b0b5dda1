package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import org.jspecify.annotations.Nullable;

/** What is thought of a certificate chain that a peer presented. */
sealed interface Verdict {

  /**
   * The chain is a valid X.509-SVID of {@code id}, and nothing holds it.
   *
   * @param issuerFault the first rule for issuers that it breaks and that was not enforced
   */
  record Accepted(SpiffeId id, @Nullable RejectionReason issuerFault) implements Verdict {}

  /**
   * The chain is refused.
   *
   * @param claimedId the text that the leaf claims as its ID, if it could be read
   * @param skewMs how far the leaf's validity lies outside our clock; 0 if it does not
   * @param words what is wrong, for people
   */
  record Rejected(RejectionReason reason, @Nullable String claimedId, long skewMs, String words)
      implements Verdict {}
}
