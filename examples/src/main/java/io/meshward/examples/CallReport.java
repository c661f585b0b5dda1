package io.meshward.examples;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Clock;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Reports every call on a channel once it has ended, and passes on what it follows from.
 * Thread-safe if the report is.
 */
final class CallReport implements ClientInterceptor {
  private final String caller;
  private final String callee;
  private final Clock clock;
  private final RandomGenerator random;
  private final Consumer<ShopLine.Call> report;

  CallReport(
      String caller,
      String callee,
      Clock clock,
      RandomGenerator random,
      Consumer<ShopLine.Call> report) {
    this.caller = caller;
    this.callee = callee;
    this.clock = clock;
    this.random = random;
    this.report = report;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        Instant startedAt = clock.instant();
        Span parent = Span.served();
        Span span = Span.next(parent, random);
        span.writeTo(headers);
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                report.accept(
                    new ShopLine.Call(
                        span.id(),
                        parent == null ? null : parent.id(),
                        caller,
                        callee,
                        method.getFullMethodName(),
                        startedAt,
                        clock.instant(),
                        status.getCode().name(),
                        status.getDescription()));
                super.onClose(status, trailers);
              }
            },
            headers);
      }
    };
  }
}
