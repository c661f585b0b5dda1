package io.meshward.runtime;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.context.propagation.TextMapSetter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives each call of a channel a span, whose trace goes on with the call: that of an
 * instrumentation that has put its trace into the metadata already, else one of its own, beneath
 * the span that is current. What was decided is as this side sees it: the call is refused here or
 * by the server, or the server has answered it.
 */
final class DialledSpans implements ClientInterceptor {
  private final MeshTelemetry telemetry;
  private final Tracer tracer;
  private final TextMapPropagator propagator;
  private final List<Metadata.Key<String>> traceFields;
  private final SpiffeId server;

  /**
   * @param server the only one that can answer calls of the channel
   */
  DialledSpans(MeshTelemetry telemetry, SpiffeId server) {
    this.telemetry = telemetry;
    this.tracer = telemetry.openTelemetry().getTracer(MeshTelemetry.SCOPE);
    this.propagator = telemetry.openTelemetry().getPropagators().getTextMapPropagator();
    this.traceFields =
        propagator.fields().stream()
            .map(field -> Metadata.Key.of(field, Metadata.ASCII_STRING_MARSHALLER))
            .toList();
    this.server = server;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        boolean instrumented = isInstrumented(headers);
        Span span = instrumented ? Span.current() : begin(method, headers);
        telemetry.dialling(span, server, method);
        try {
          super.start(new Watching<>(listener, span, !instrumented), headers);
        } catch (RuntimeException e) {
          if (!instrumented) {
            span.setStatus(StatusCode.ERROR);
            span.recordException(e);
            span.end();
          }
          throw e;
        }
      }
    };
  }

  private boolean isInstrumented(Metadata headers) {
    return traceFields.stream().anyMatch(headers::containsKey);
  }

  private Span begin(MethodDescriptor<?, ?> method, Metadata headers) {
    Context parent = Context.current();
    Span span =
        tracer
            .spanBuilder(method.getFullMethodName())
            .setParent(parent)
            .setSpanKind(SpanKind.CLIENT)
            .startSpan();
    propagator.inject(parent.with(span), headers, Setter.INSTANCE);
    return span;
  }

  /** Tells the span how the call ends. */
  private static final class Watching<R> extends SimpleForwardingClientCallListener<R> {
    private final Span span;
    private final boolean owned;
    private boolean answered;

    Watching(ClientCall.Listener<R> listener, Span span, boolean owned) {
      super(listener);
      this.span = span;
      this.owned = owned;
    }

    @Override
    public void onHeaders(Metadata headers) {
      answered = true;
      super.onHeaders(headers);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (status.getCode() == Status.Code.PERMISSION_DENIED && !answered) {
        span.setAttribute(MeshTelemetry.DECISION, "deny");
      } else if (answered || status.isOk()) {
        span.setAttribute(MeshTelemetry.DECISION, "allow");
      }
      if (owned) {
        String code = status.getCode().name();
        span.setAttribute(MeshTelemetry.STATUS, code);
        if (!status.isOk()) {
          span.setStatus(StatusCode.ERROR);
          span.setAttribute(MeshTelemetry.ERROR, code);
        }
        span.end();
      }
      super.onClose(status, trailers);
    }
  }

  /** Writes this call's trace into its metadata. */
  private enum Setter implements TextMapSetter<Metadata> {
    INSTANCE;

    @Override
    public void set(@Nullable Metadata headers, String key, String value) {
      if (headers != null) {
        Metadata.Key<String> field = Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER);
        headers.discardAll(field);
        headers.put(field, value);
      }
    }
  }
}
