package io.meshward.schemas;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One authorization decision about one call, or about all further calls of a connection that is
 * ended: kind {@code authz.decision}.
 *
 * @param rpc the call; absent if the connection was ended because its peer broke the rules of
 *     HTTP/2
 * @param cert the certificate of the connection's peer
 * @param jwt the JWT-SVID that came with the call, if one did
 */
public record AuthzDecision(
    Authz authz,
    @Nullable Rpc rpc,
    LocalWorkload local,
    Connection conn,
    Peer peer,
    @Nullable CertificateFacts cert,
    @Nullable Trace trace,
    @Nullable Delegation delegation,
    @Nullable Jwt jwt,
    @Nullable Metadata meta)
    implements Event {

  /** What was decided. */
  public enum Decision {
    ALLOW,
    DENY
  }

  /**
   * The decision.
   *
   * @param enforced whether the call was treated accordingly
   * @param shadowDecision what the policy set on trial decided, if there is one
   * @param engine which engine decided: {@code connection}, {@code credentials}, {@code policy},
   *     {@code opa}
   * @param policyId name and content hash of the policy, or the path that OPA was asked for
   * @param policyRevision SHA-256 of the policy, or the revisions of OPA's bundles
   * @param ruleId the rule that matched
   * @param reason our reason code, such as {@code quarantined}, {@code expired}, {@code no_rule};
   *     {@code http2:too_many_pings}, {@code http2:too_many_resets} or the error of HTTP/2 behind
   *     {@code http2:} if the peer broke its rules
   * @param latencyUs microseconds the decision took
   * @param status the gRPC status the call was refused with, if it was
   * @param decisionId names the decision in OPA's own log
   * @param shadowPolicyId name and content hash of the policy set on trial
   * @param shadowRuleId the rule of it that matched
   * @param riskScore the peer's risk score that was decided by, from 0 to 1; absent if nobody asked
   *     for it, or if it was unknown
   */
  public record Authz(
      Decision decision,
      boolean enforced,
      @Nullable Decision shadowDecision,
      String engine,
      @Nullable String policyId,
      @Nullable String policyRevision,
      @Nullable String ruleId,
      @Nullable String reason,
      long latencyUs,
      @Nullable String status,
      @Nullable String decisionId,
      @Nullable String shadowPolicyId,
      @Nullable String shadowRuleId,
      @Nullable Double riskScore) {
    public Authz {
      Require.text(engine, "authz.engine");
      Require.notNegative(latencyUs, "authz.latency_us");
    }
  }

  /**
   * The call.
   *
   * @param method the full method, {@code /package.Service/Method}, at most 256 characters of it
   * @param knownMethod whether the server has such a method
   */
  public record Rpc(String method, boolean knownMethod) {
    public Rpc {
      Require.text(method, "rpc.method");
    }
  }

  /** W3C trace context of the call, in hexadecimal. */
  public record Trace(String traceId, String spanId) {}

  /** On whose behalf the peer calls, proved or vouched for by a proxy: the originator first. */
  public record Delegation(List<SpiffeId> chain) {
    public Delegation {
      chain = List.copyOf(chain);
    }
  }

  /**
   * What is safe to say of a JWT-SVID, never the token; of one that is refused, only what it
   * claims.
   *
   * @param hash SHA-256 of the token, in hexadecimal
   * @param nonCanonical true if the token writes the SPIFFE ID of {@code sub} with upper-case
   *     letters in scheme or trust domain, which SPIFFE-ID 2.4 has readers accept and 2.1 forbids
   *     issuers; absent if not
   */
  public record Jwt(
      @Nullable String sub,
      List<String> aud,
      @Nullable String kid,
      @Nullable String jti,
      String hash,
      @Nullable Instant iat,
      @Nullable Instant exp,
      @Nullable Boolean nonCanonical) {
    public Jwt {
      aud = List.copyOf(aud);
    }
  }

  /** Metadata keys that claimed an identity which TLS does not confirm. */
  public record Metadata(List<String> spoof) {
    public Metadata {
      spoof = List.copyOf(spoof);
    }
  }
}
