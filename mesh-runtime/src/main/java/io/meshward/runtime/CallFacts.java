package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.time.Clock;

/**
 * What a policy may look at to decide about one call.
 *
 * @param principal who is judged: the peer, or somebody it calls on behalf of
 * @param method the full method without its leading slash, {@code package.Service/Method}
 * @param metadata what came with the call, without claims of identity
 */
record CallFacts(
    ConnectionFacts connection,
    Principal principal,
    String method,
    Metadata metadata,
    TokenClaims claims,
    RiskSource risk,
    Clock clock) {

  /** Of a call that the peer makes for itself. */
  CallFacts(
      ConnectionFacts connection,
      String method,
      Metadata metadata,
      TokenClaims claims,
      RiskSource risk,
      Clock clock) {
    this(connection, connection.principal(), method, metadata, claims, risk, clock);
  }

  /** The same call, judged as if this were its caller. */
  CallFacts as(SpiffeId other) {
    return new CallFacts(connection, Principal.of(other), method, metadata, claims, risk, clock);
  }
}
