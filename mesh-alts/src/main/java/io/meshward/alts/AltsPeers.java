package io.meshward.alts;

import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.alts.AltsContextUtil;
import io.meshward.runtime.PeerAuthentication;
import io.meshward.schemas.SpiffeId;
import java.util.Map;
import java.util.Optional;

/**
 * The service accounts that ALTS proves, as the SPIFFE IDs that they stand for: for the runtime,
 * which decides who is let in and what they may call, and for the services, as {@link AltsPeer}.
 * Thread-safe.
 */
final class AltsPeers implements PeerAuthentication, ServerInterceptor {
  private final Map<String, SpiffeId> accounts;

  AltsPeers(Map<String, SpiffeId> accounts) {
    this.accounts = Map.copyOf(accounts);
  }

  @Override
  public String name() {
    return "alts";
  }

  @Override
  public Optional<Proved> peer(Attributes transport) {
    if (!AltsContextUtil.check(transport)) {
      return Optional.empty();
    }
    String account = AltsContextUtil.createFrom(transport).getPeerServiceAccount();
    return Optional.of(new Proved(account, accounts.get(account)));
  }

  /** For calls that the runtime has allowed. */
  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Proved proved = peer(call.getAttributes()).orElse(null);
    SpiffeId id = proved == null ? null : proved.id();
    if (proved == null || id == null) {
      throw new IllegalStateException("the runtime let somebody in whom ALTS does not know");
    }
    Context context = Context.current().withValue(AltsPeer.KEY, new AltsPeer(id, proved.account()));
    return Contexts.interceptCall(context, call, headers, next);
  }
}
