package io.meshward.runtime;

import io.grpc.MethodDescriptor;
import io.meshward.schemas.AuthzDecision.Trace;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableDoubleGauge;
import io.opentelemetry.api.trace.Span;
import java.time.Clock;
import java.time.Duration;

/**
 * What a workload tells OpenTelemetry: who called whom and what was decided, on the call's span and
 * as metrics, and the outcomes of handshakes by the metric of gRFC A118. Identities are never put
 * into baggage, which would travel on with the call. Thread-safe.
 */
final class MeshTelemetry implements AutoCloseable {
  static final String SCOPE = "io.meshward.runtime";

  static final AttributeKey<String> SPIFFE_ID = AttributeKey.stringKey("spiffe.id");
  static final AttributeKey<String> TRUST_DOMAIN = AttributeKey.stringKey("spiffe.trust_domain");
  static final AttributeKey<Long> TTL_SEC = AttributeKey.longKey("spiffe.ttl_sec");
  static final AttributeKey<String> PEER_ID = AttributeKey.stringKey("spiffe.peer.id");
  static final AttributeKey<String> DECISION = AttributeKey.stringKey("authz.decision");
  static final AttributeKey<String> POLICY_ID = AttributeKey.stringKey("authz.policy_id");
  static final AttributeKey<String> REASON = AttributeKey.stringKey("authz.reason");
  static final AttributeKey<String> TRACE_ID = AttributeKey.stringKey("authz.trace_id");
  static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system.name");
  static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
  static final AttributeKey<String> ORIGINAL = AttributeKey.stringKey("rpc.method_original");
  static final AttributeKey<String> STATUS = AttributeKey.stringKey("rpc.response.status_code");
  static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
  private static final AttributeKey<String> HANDSHAKE_RESULT =
      AttributeKey.stringKey("grpc.tls.handshake.result");
  private static final AttributeKey<String> HANDSHAKE_RESUMED =
      AttributeKey.stringKey("grpc.tls.handshake.resumed");

  private final OpenTelemetry openTelemetry;
  private final OwnIdentity own;
  private final Clock clock;
  private final LongCounter acceptedHandshakes;
  private final LongCounter dialledHandshakes;
  private final DoubleHistogram decisions;
  private final ObservableDoubleGauge timeLeft;

  MeshTelemetry(OpenTelemetry openTelemetry, OwnIdentity own, Clock clock) {
    this.openTelemetry = openTelemetry;
    this.own = own;
    this.clock = clock;
    Meter meter = openTelemetry.getMeter(SCOPE);
    this.acceptedHandshakes =
        handshakes(meter, "grpc.server.tls.handshakes", "TLS handshakes of servers");
    this.dialledHandshakes =
        handshakes(meter, "grpc.client.tls.handshakes", "TLS handshakes of clients");
    this.decisions =
        meter
            .histogramBuilder("meshward.authz.duration")
            .setDescription("How long decisions about calls take")
            .setUnit("s")
            .build();
    this.timeLeft =
        meter
            .gaugeBuilder("meshward.svid.ttl")
            .setDescription("How long this workload's SVID is still good")
            .setUnit("s")
            .buildWithCallback(
                gauge ->
                    own.usable()
                        .ifPresent(
                            identity ->
                                gauge.record(
                                    (double) secondsLeft(identity.svid()),
                                    identity(identity.svid().id()).build())));
  }

  OpenTelemetry openTelemetry() {
    return openTelemetry;
  }

  private static LongCounter handshakes(Meter meter, String name, String description) {
    return meter
        .counterBuilder(name)
        .setDescription(description + ", by their outcome")
        .setUnit("{handshake}")
        .build();
  }

  /** Counts a handshake, by the names of gRFC A118. */
  void handshake(TlsHandshake event) {
    AttributesBuilder attributes =
        Attributes.builder().put(HANDSHAKE_RESULT, event.tls().result().name());
    Boolean resumed = event.tls().resumed();
    if (resumed != null) {
      attributes.put(HANDSHAKE_RESUMED, resumed ? "RESUMED_HANDSHAKE" : "FULL_HANDSHAKE");
    }
    switch (event.tls().role()) {
      case SERVER -> acceptedHandshakes.add(1, attributes.build());
      case CLIENT -> dialledHandshakes.add(1, attributes.build());
    }
  }

  /** Tells what was decided about a call, on its span and as a metric. */
  void decided(DecisionEvents.Subject subject, Ruling ruling, long latencyNanos) {
    ConnectionFacts peer = subject.facts();
    AttributesBuilder common = call(subject.method());
    SpiffeId id = own.id();
    if (id != null) {
      common.putAll(identity(id).build());
    }
    if (peer != null) {
      common.put(PEER_ID, peer.id().toString());
    }
    common.put(DECISION, ruling.allowed() ? "allow" : "deny");
    if (ruling.policyId() != null) {
      common.put(POLICY_ID, ruling.policyId());
    }
    Attributes attributes = common.build();
    decisions.record(latencyNanos / 1e9, attributes);
    Span span = subject.span();
    if (span != null && span.isRecording()) {
      span.setAllAttributes(attributes);
      describe(span, subject, ruling);
    }
  }

  /**
   * Tells who calls whom, on the span of a call that is about to be sent.
   *
   * @param server the only one that can answer it
   */
  void dialling(Span span, SpiffeId server, MethodDescriptor<?, ?> method) {
    if (!span.isRecording()) {
      return;
    }
    AttributesBuilder attributes = call(method);
    own.usable()
        .ifPresent(
            current ->
                attributes
                    .putAll(identity(current.svid().id()).build())
                    .put(TTL_SEC, secondsLeft(current.svid())));
    attributes.put(PEER_ID, server.toString());
    attributes.put(TRACE_ID, span.getSpanContext().getTraceId());
    span.setAllAttributes(attributes.build());
  }

  /** What has too many values for a metric. */
  private void describe(Span span, DecisionEvents.Subject subject, Ruling ruling) {
    own.usable().ifPresent(current -> span.setAttribute(TTL_SEC, secondsLeft(current.svid())));
    if (ruling.reason() != null) {
      span.setAttribute(REASON, ruling.reason());
    }
    Trace trace = TraceContext.of(subject.headers());
    span.setAttribute(
        TRACE_ID, trace == null ? span.getSpanContext().getTraceId() : trace.traceId());
    if (!UnknownMethods.isKnown(subject.method())) {
      span.setAttribute(ORIGINAL, DecisionEvents.named(subject.method()).substring(1));
    }
  }

  /** Methods that do not exist count as one: callers can make up any number of them. */
  static AttributesBuilder call(MethodDescriptor<?, ?> method) {
    return Attributes.builder()
        .put(SYSTEM, "grpc")
        .put(METHOD, UnknownMethods.isKnown(method) ? method.getFullMethodName() : "_OTHER");
  }

  private static AttributesBuilder identity(SpiffeId id) {
    return Attributes.builder()
        .put(SPIFFE_ID, id.toString())
        .put(TRUST_DOMAIN, id.trustDomain().name());
  }

  private long secondsLeft(X509Svid svid) {
    return Duration.between(clock.instant(), svid.notAfter()).toSeconds();
  }

  @Override
  public void close() {
    timeLeft.close();
  }
}
