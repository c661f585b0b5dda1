package io.meshward.examples;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A call, and the trace it belongs to, in the form in which calls pass it on: W3C trace context (<a
 * href="https://www.w3.org/TR/trace-context/">level 1</a>).
 *
 * @param trace 32 hexadecimal digits, shared by all calls that follow from one
 * @param id 16 hexadecimal digits, of this call
 */
record Span(String trace, String id) {
  private static final Metadata.Key<String> TRACEPARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final Pattern FORM = Pattern.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-01");
  private static final Context.Key<Span> SERVED = Context.key("span");

  /** The call that is being served on this thread, if one is and says what it is. */
  static @Nullable Span served() {
    return SERVED.get();
  }

  /** A call that follows from another, or from none. */
  static Span next(@Nullable Span parent, RandomGenerator random) {
    HexFormat hex = HexFormat.of();
    String trace =
        parent == null
            ? hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong())
            : parent.trace;
    return new Span(trace, hex.toHexDigits(random.nextLong()));
  }

  void writeTo(Metadata headers) {
    headers.put(TRACEPARENT, "00-" + trace + "-" + id + "-01");
  }

  private static @Nullable Span of(Metadata headers) {
    String text = headers.get(TRACEPARENT);
    if (text == null) {
      return null;
    }
    Matcher matcher = FORM.matcher(text);
    return matcher.matches() ? new Span(matcher.group(1), matcher.group(2)) : null;
  }

  /** Lets whoever serves a call see its span. */
  static final class Interceptor implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      return Contexts.interceptCall(
          Context.current().withValue(SERVED, of(headers)), call, headers, next);
    }
  }
}
