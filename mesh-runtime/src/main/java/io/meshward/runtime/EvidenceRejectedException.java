package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
import org.jspecify.annotations.Nullable;

/** What a call carries to prove an identity proves none; never leaves this package. */
final class EvidenceRejectedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final transient AuthzDecision.@Nullable Jwt token;

  /**
   * @param reason our code, for events
   * @param token what the event says of the JWT-SVID, if that is what is wrong
   */
  EvidenceRejectedException(String reason, AuthzDecision.@Nullable Jwt token) {
    super(reason, null, false, false);
    this.reason = reason;
    this.token = token;
  }

  EvidenceRejectedException(String reason) {
    this(reason, null);
  }

  String reason() {
    return reason;
  }

  AuthzDecision.@Nullable Jwt token() {
    return token;
  }
}
