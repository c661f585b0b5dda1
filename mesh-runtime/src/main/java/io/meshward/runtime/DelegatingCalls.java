package io.meshward.runtime;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;

/** Sends a delegation with each call of a channel; a call that can have none fails. */
final class DelegatingCalls implements ClientInterceptor {
  private final DelegationIssuer issuer;
  private final SpiffeId server;

  DelegatingCalls(DelegationIssuer issuer, SpiffeId server) {
    this.issuer = issuer;
    this.server = server;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    String links;
    try {
      links = issuer.links(Delegation.KEY.get(), server);
    } catch (MeshRuntimeException e) {
      return new RefusedCall<>(
          Status.FAILED_PRECONDITION.withDescription(e.getMessage()).withCause(e));
    }
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        headers.discardAll(DelegationVerifier.KEY);
        headers.put(DelegationVerifier.KEY, links);
        super.start(listener, headers);
      }
    };
  }
}
