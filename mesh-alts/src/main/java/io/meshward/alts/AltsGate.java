package io.meshward.alts;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.alts.AltsContextUtil;
import io.meshward.runtime.MeshRuntime;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets in calls of known service accounts whose identity is not held; looks anew at each call.
 * Thread-safe.
 */
final class AltsGate implements ServerInterceptor {
  private static final Logger log = LoggerFactory.getLogger(AltsGate.class);
  private static final Status REFUSED = Status.PERMISSION_DENIED.withDescription("refused");

  private final MeshRuntime mesh;
  private final Map<String, SpiffeId> accounts;

  AltsGate(MeshRuntime mesh, Map<String, SpiffeId> accounts) {
    this.mesh = mesh;
    this.accounts = Map.copyOf(accounts);
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    if (!AltsContextUtil.check(call)) {
      return refuse(call, null, "the connection is not one of ALTS");
    }
    String account = AltsContextUtil.createFrom(call).getPeerServiceAccount();
    SpiffeId id = accounts.get(account);
    if (id == null) {
      return refuse(call, account, "the service account stands for no identity");
    }
    Optional<String> held = mesh.refusal(id, address(call));
    if (held.isPresent()) {
      return refuse(call, account, held.get());
    }
    Context context = Context.current().withValue(AltsPeer.KEY, new AltsPeer(id, account));
    return Contexts.interceptCall(context, call, headers, next);
  }

  private static @Nullable String address(ServerCall<?, ?> call) {
    return call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)
                instanceof InetSocketAddress remote
            && remote.getAddress() != null
        ? remote.getAddress().getHostAddress()
        : null;
  }

  private static <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call, @Nullable String account, String reason) {
    log.atWarn()
        .addKeyValue("serviceAccount", account)
        .addKeyValue("method", call.getMethodDescriptor().getFullMethodName())
        .addKeyValue("reason", reason)
        .log("a call over ALTS is refused");
    call.close(REFUSED, new Metadata());
    return new ServerCall.Listener<>() {};
  }
}
