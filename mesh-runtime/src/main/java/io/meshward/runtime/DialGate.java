package io.meshward.runtime;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides about every call of a client before anything is sent: this workload has a valid SVID that
 * no hold refuses, none refuses every SVID of the server, and the call does not ask to be taken for
 * another host's.
 */
final class DialGate implements ClientInterceptor {
  private final Admission admission;
  private final SpiffeId server;

  DialGate(Admission admission, SpiffeId server) {
    this.admission = admission;
    this.server = server;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    Status refusal = refusal(options);
    return refusal == null ? next.newCall(method, options) : new RefusedCall<>(refusal);
  }

  private @Nullable Status refusal(CallOptions options) {
    if (options.getAuthority() != null) {
      return Status.INVALID_ARGUMENT.withDescription(
          "a call cannot override its authority: the server is known by its SPIFFE ID, " + server);
    }
    Instant now = admission.now();
    Verdict.Rejected own = admission.ownRefusal(now).orElse(null);
    if (own != null) {
      return Refusal.of(own).status();
    }
    Holds holds = admission.trust().current().holds();
    if (!holds.read()) {
      return Status.UNAVAILABLE.withDescription("the quarantine has not been read to its end yet");
    }
    Optional<Hold> hold = holds.againstEverySvid(server, now);
    return hold.isPresent()
        ? Status.PERMISSION_DENIED.withDescription(server + " is quarantined")
        : null;
  }
}
