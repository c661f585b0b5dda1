package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a call, with what its event says of it.
 *
 * @param engine which engine decided: {@code connection}, {@code credentials}, {@code policy}, or
 *     an external one's name
 * @param shadow what the policy on trial says, if there is one
 */
record Ruling(
    boolean allowed,
    String engine,
    @Nullable String policyId,
    @Nullable String policyRevision,
    @Nullable String ruleId,
    @Nullable String reason,
    AuthorizationPolicy.@Nullable Decision shadow,
    @Nullable String shadowPolicyId,
    @Nullable String decisionId) {
  private static final String BY_CONNECTION = "connection";
  private static final String BY_CREDENTIALS = "credentials";
  private static final String BY_POLICY = "policy";
  private static final AuthorizationPolicy.Decision SVID_TOO_LONG =
      new AuthorizationPolicy.Decision(false, null, "svid_lifetime");

  /** A refusal that no policy had to be asked for. */
  static Ruling ofConnection(String reason) {
    return new Ruling(false, BY_CONNECTION, null, null, null, reason, null, null, null);
  }

  /** A refusal of what a call carries to prove identities. */
  static Ruling ofCredentials(String reason) {
    return new Ruling(false, BY_CREDENTIALS, null, null, null, reason, null, null, null);
  }

  /**
   * What the enforced policy says, and beside it the one on trial.
   *
   * @param onBehalfOf to whom the policy has to allow the call as well
   */
  static Ruling of(PolicySet policies, CallFacts call, List<SpiffeId> onBehalfOf) {
    AuthorizationPolicy enforced = policies.enforced();
    AuthorizationPolicy onTrial = policies.shadow();
    AuthorizationPolicy.Decision decision =
        policies.services().allowsLifetime(call.connection())
            ? decide(enforced, call, onBehalfOf)
            : SVID_TOO_LONG;
    return new Ruling(
        decision.allowed(),
        BY_POLICY,
        enforced.id(),
        enforced.revision(),
        decision.ruleId(),
        decision.reason(),
        onTrial == null ? null : decide(onTrial, call, onBehalfOf),
        onTrial == null ? null : onTrial.id(),
        null);
  }

  private static AuthorizationPolicy.Decision decide(
      AuthorizationPolicy policy, CallFacts call, List<SpiffeId> onBehalfOf) {
    AuthorizationPolicy.Decision decision = policy.decide(call);
    for (int i = 0; i < onBehalfOf.size() && decision.allowed(); i++) {
      AuthorizationPolicy.Decision other = policy.decide(call.as(onBehalfOf.get(i)));
      if (!other.allowed()) {
        return new AuthorizationPolicy.Decision(false, other.ruleId(), "on_behalf_of_refused");
      }
    }
    return decision;
  }

  /** What it comes to when an external engine was asked about a call that the policy allows. */
  Ruling and(DecisionPoint.Answer answer) {
    return new Ruling(
        answer.allowed(),
        answer.engine(),
        answer.policyId(),
        answer.policyRevision(),
        ruleId,
        answer.reason(),
        shadow,
        shadowPolicyId,
        answer.decisionId());
  }
}
