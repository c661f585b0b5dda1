package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.AuthzDecision.Trace;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the W3C trace context that a call says it belongs to. */
final class TraceContext {
  private static final Metadata.Key<String> TRACEPARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final Pattern FORM =
      Pattern.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}");

  private TraceContext() {}

  static @Nullable Trace of(Metadata headers) {
    String text = headers.get(TRACEPARENT);
    if (text == null) {
      return null;
    }
    Matcher matcher = FORM.matcher(text);
    return matcher.matches() ? new Trace(matcher.group(1), matcher.group(2)) : null;
  }
}
