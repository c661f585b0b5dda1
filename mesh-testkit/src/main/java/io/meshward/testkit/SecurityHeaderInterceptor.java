package io.meshward.testkit;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Refuses calls without the header that no server-side request forgery can set (SPIFFE Workload
 * Endpoint 6).
 */
final class SecurityHeaderInterceptor implements ServerInterceptor {

  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  private final AtomicLong refused = new AtomicLong();

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (values(headers).equals(List.of("true"))) {
      return next.startCall(call, headers);
    }
    refused.incrementAndGet();
    call.close(
        Status.INVALID_ARGUMENT.withDescription("security header missing from request"),
        new Metadata());
    return new ServerCall.Listener<>() {};
  }

  long refused() {
    return refused.get();
  }

  private static List<String> values(Metadata headers) {
    Iterable<String> all = headers.getAll(HEADER);
    var values = new ArrayList<String>();
    if (all != null) {
      all.forEach(values::add);
    }
    return values;
  }
}
