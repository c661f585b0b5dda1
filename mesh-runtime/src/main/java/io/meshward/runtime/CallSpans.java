package io.meshward.runtime;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives each call of a server a span, outermost of all that a server does: that of an
 * instrumentation that runs already, else one of its own, which ends with the call.
 */
final class CallSpans implements ServerInterceptor {
  /** The span that decisions about a call are told on. */
  static final Context.Key<Span> KEY = Context.key("meshward.span");

  /** Those that say a server has failed, and not that its caller has. */
  private static final Set<Status.Code> FAILURES =
      Set.of(
          Status.Code.UNKNOWN,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.UNIMPLEMENTED,
          Status.Code.INTERNAL,
          Status.Code.UNAVAILABLE,
          Status.Code.DATA_LOSS);

  private final OpenTelemetry openTelemetry;
  private final Tracer tracer;

  CallSpans(OpenTelemetry openTelemetry) {
    this.openTelemetry = openTelemetry;
    this.tracer = openTelemetry.getTracer(MeshTelemetry.SCOPE);
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Span running = Span.current();
    if (running.getSpanContext().isValid()) {
      return Contexts.interceptCall(Context.current().withValue(KEY, running), call, headers, next);
    }
    Span span = begin(call, headers);
    Context context = Context.current().withValue(KEY, span);
    io.opentelemetry.context.Context inSpan = io.opentelemetry.context.Context.current().with(span);
    try {
      return new InSpan<>(
          inSpan
              .wrapSupplier(
                  () -> Contexts.interceptCall(context, new Ending<>(call, span), headers, next))
              .get(),
          span,
          inSpan);
    } catch (RuntimeException e) {
      // gRPC ends the call, past the one that ends the span with it.
      end(span, Status.UNKNOWN);
      throw e;
    }
  }

  private Span begin(ServerCall<?, ?> call, Metadata headers) {
    io.opentelemetry.context.Context caller =
        openTelemetry
            .getPropagators()
            .getTextMapPropagator()
            .extract(io.opentelemetry.context.Context.root(), headers, Getter.INSTANCE);
    String name =
        UnknownMethods.isKnown(call.getMethodDescriptor())
            ? call.getMethodDescriptor().getFullMethodName()
            : "grpc";
    return tracer
        .spanBuilder(name)
        .setParent(caller)
        .setSpanKind(SpanKind.SERVER)
        .setAllAttributes(MeshTelemetry.call(call.getMethodDescriptor()).build())
        .startSpan();
  }

  /** Ends the span with the call's status. */
  private static void end(Span span, Status status) {
    String code = status.getCode().name();
    span.setAttribute(MeshTelemetry.STATUS, code);
    if (FAILURES.contains(status.getCode())) {
      span.setStatus(StatusCode.ERROR);
      span.setAttribute(MeshTelemetry.ERROR, code);
    }
    span.end();
  }

  private static final class Ending<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final Span span;

    Ending(ServerCall<Q, R> call, Span span) {
      super(call);
      this.span = span;
    }

    @Override
    public void close(Status status, Metadata trailers) {
      end(span, status);
      super.close(status, trailers);
    }
  }

  /** Callbacks run in the span; a call that is cancelled ends it. */
  private static final class InSpan<Q>
      extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {
    private final Span span;
    private final io.opentelemetry.context.Context inSpan;

    InSpan(ServerCall.Listener<Q> listener, Span span, io.opentelemetry.context.Context inSpan) {
      super(listener);
      this.span = span;
      this.inSpan = inSpan;
    }

    @Override
    public void onMessage(Q message) {
      inSpan.wrap(() -> super.onMessage(message)).run();
    }

    @Override
    public void onHalfClose() {
      inSpan.wrap(() -> super.onHalfClose()).run();
    }

    @Override
    public void onReady() {
      inSpan.wrap(() -> super.onReady()).run();
    }

    @Override
    public void onCancel() {
      try {
        inSpan.wrap(() -> super.onCancel()).run();
      } finally {
        end(span, Status.CANCELLED);
      }
    }
  }

  /** Reads a caller's trace from a call's metadata. */
  private enum Getter implements TextMapGetter<Metadata> {
    INSTANCE;

    // Not asked for any more, but still to be there.
    @SuppressWarnings("deprecation")
    @Override
    public Iterable<String> keys(Metadata headers) {
      return headers.keys();
    }

    @Override
    public @Nullable String get(@Nullable Metadata headers, String key) {
      return headers == null || key.endsWith(Metadata.BINARY_HEADER_SUFFIX)
          ? null
          : headers.get(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
    }
  }
}
