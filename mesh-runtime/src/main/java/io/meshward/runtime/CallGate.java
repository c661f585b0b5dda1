package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Authz;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.Connection;
import io.meshward.schemas.Peer;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides about every call to a server: is its connection still good, and does the policy allow it.
 * The caller's identity goes on in the {@link Context}, claims of identity in its metadata do not.
 * A refused caller learns only that it is refused; the reason is in the event.
 */
final class CallGate implements ServerInterceptor {
  private static final Status REFUSED = Status.PERMISSION_DENIED.withDescription("refused");
  private static final String BY_CONNECTION = "connection";
  private static final String BY_POLICY = "policy";

  private final Admission admission;
  private final Supplier<AuthorizationPolicy> policy;
  private final EventReporter reporter;

  CallGate(Admission admission, Supplier<AuthorizationPolicy> policy, EventReporter reporter) {
    this.admission = admission;
    this.policy = policy;
    this.reporter = reporter;
  }

  /** A decision with what the event says of it. */
  private record Ruling(
      boolean allowed,
      String engine,
      @Nullable AuthorizationPolicy policy,
      @Nullable String ruleId,
      @Nullable String reason) {}

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    long begin = System.nanoTime();
    List<String> claims = SpoofedMetadata.strip(headers);
    Attributes attributes = call.getAttributes();
    TrackedConnection connection = attributes.get(PeerTransportFilter.CONNECTION);
    PeerIdentity peer = connection == null ? null : connection.peer().orElse(null);
    Ruling ruling = rule(connection, peer, call, headers);
    report(call, headers, connection, peer, ruling, claims, (System.nanoTime() - begin) / 1000);
    if (peer == null || !ruling.allowed()) {
      call.close(REFUSED, new Metadata());
      return new ServerCall.Listener<>() {};
    }
    return Contexts.interceptCall(
        Context.current().withValue(PeerIdentity.KEY, peer), call, headers, next);
  }

  private Ruling rule(
      @Nullable TrackedConnection connection,
      @Nullable PeerIdentity peer,
      ServerCall<?, ?> call,
      Metadata headers) {
    if (connection == null || peer == null) {
      return new Ruling(false, BY_CONNECTION, null, null, "no_peer");
    }
    Optional<Verdict.Rejected> late = connection.recheck(admission);
    if (late.isPresent()) {
      connection.cut();
      return new Ruling(false, BY_CONNECTION, null, null, late.get().reason().code());
    }
    AuthorizationPolicy current = policy.get();
    AuthorizationPolicy.Decision decision =
        current.decide(peer.id(), "/" + call.getMethodDescriptor().getFullMethodName(), headers);
    return new Ruling(decision.allowed(), BY_POLICY, current, decision.ruleId(), decision.reason());
  }

  private void report(
      ServerCall<?, ?> call,
      Metadata headers,
      @Nullable TrackedConnection connection,
      @Nullable PeerIdentity peer,
      Ruling ruling,
      List<String> claims,
      long latencyUs) {
    AuthorizationPolicy judged = ruling.policy();
    reporter.decision(
        new AuthzDecision(
            new Authz(
                ruling.allowed() ? Decision.ALLOW : Decision.DENY,
                true,
                null,
                ruling.engine(),
                judged == null ? null : judged.id(),
                judged == null ? null : judged.revision(),
                ruling.ruleId(),
                ruling.reason(),
                latencyUs,
                ruling.allowed() ? null : REFUSED.getCode().name()),
            new AuthzDecision.Rpc(
                "/" + call.getMethodDescriptor().getFullMethodName(),
                UnknownMethods.isKnown(call.getMethodDescriptor())),
            reporter.local(),
            new Connection(connection == null ? "untracked" : connection.id()),
            new Peer(
                connection == null ? null : connection.ip(),
                connection == null ? null : connection.port(),
                null,
                peer == null ? null : peer.id(),
                null,
                peer == null ? null : peer.id().trustDomain()),
            peer == null ? null : Certificates.facts(peer.certificate(), admission.now()),
            TraceContext.of(headers),
            null,
            null,
            claims.isEmpty() ? null : new AuthzDecision.Metadata(claims)));
  }
}
