package io.meshward.runtime;

import io.grpc.Metadata;
import java.time.Clock;

/**
 * What a policy may look at to decide about one call.
 *
 * @param method the full method without its leading slash, {@code package.Service/Method}
 * @param metadata what came with the call, without claims of identity
 */
record CallFacts(
    ConnectionFacts connection,
    String method,
    Metadata metadata,
    TokenClaims claims,
    RiskSource risk,
    Clock clock) {}
