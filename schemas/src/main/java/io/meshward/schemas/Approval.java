package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A person's word about a containment: kind {@code approval}.
 *
 * @param approval what is said
 * @param jws a compact JWS (RFC 7515) whose payload is the JSON of {@code approval}, signed by the
 *     actor's key; absent if unsigned
 */
public record Approval(Statement approval, @Nullable String jws) implements Event {

  /** What a person can say. */
  public enum Decision {
    APPROVE,
    VETO,
    RELEASE
  }

  /**
   * The statement that is signed.
   *
   * @param id unique: a statement counts once
   * @param actor the key id of the signer
   * @param planDigest the plan that is approved; required to approve
   * @param expiresAt when the statement stops counting
   */
  public record Statement(
      String id,
      String containment,
      Decision decision,
      String reason,
      String actor,
      @Nullable String planDigest,
      Instant at,
      Instant expiresAt) {
    public Statement {
      Require.text(id, "approval.id");
      Require.text(containment, "approval.containment");
      Require.text(reason, "approval.reason");
      Require.text(actor, "approval.actor");
      if (decision == Decision.APPROVE && planDigest == null) {
        throw new IllegalArgumentException(
            "approval.plan_digest is absent: expected the digest of the approved plan");
      }
    }
  }
}
