package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came with a call to prove identities beside the peer's, judged. Immutable.
 *
 * @param refusal why the call is refused because of it, if it is
 * @param token the JWT-SVID
 * @param facts what events say of a JWT-SVID, also of one that is refused
 * @param delegation on whose behalf the peer calls
 */
record CallEvidence(
    @Nullable String refusal,
    @Nullable CallToken token,
    AuthzDecision.@Nullable Jwt facts,
    @Nullable Delegation delegation) {
  static final CallEvidence NONE = new CallEvidence(null, null, null, null);

  static CallEvidence given(@Nullable CallToken token, @Nullable Delegation delegation) {
    return new CallEvidence(null, token, token == null ? null : token.facts(), delegation);
  }

  static CallEvidence refused(String reason, AuthzDecision.@Nullable Jwt facts) {
    return new CallEvidence(reason, null, facts, null);
  }

  TokenClaims claims() {
    return token == null ? TokenClaims.ABSENT : token;
  }

  /** Whom the policy has to allow the call as well. */
  List<SpiffeId> onBehalfOf() {
    return delegation == null ? List.of() : delegation.chain();
  }
}
