package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.stub.MetadataUtils;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What OpenTelemetry is told of calls and handshakes. */
class MeshTelemetryTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @RegisterExtension
  private static final OpenTelemetryExtension TELEMETRY = OpenTelemetryExtension.create();

  private final Shop shop = new Shop();
  private final Queue<String> serviceTraces = new ConcurrentLinkedQueue<>();
  private volatile @Nullable RuntimeException failure;
  private ManagedChannel channel;
  private Server server;

  @BeforeEach
  void open() throws Exception {
    ServerInterceptor noting =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            serviceTraces.add(Span.current().getSpanContext().getTraceId());
            assertThat(Baggage.current().isEmpty()).isTrue();
            RuntimeException thrown = failure;
            if (thrown != null) {
              throw thrown;
            }
            return next.startCall(call, headers);
          }
        };
    MeshRuntime orders =
        shop.ordersRuntime(builder -> builder.openTelemetry(TELEMETRY.getOpenTelemetry()));
    server =
        shop.closing(
            orders
                .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(Echo.service())
                .intercept(noting)
                .build()
                .start());
    channel = shop.dial(shop.frontendRuntime(), server);
  }

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aCallIsASpanWithBothIdentitiesAndTheDecision() {
    Metadata trace = new Metadata();
    trace.put(
        Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
        "00-" + TRACE + "-b7ad6b7169203331-01");
    Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(trace)),
        "hello");

    SpanData span = span();
    assertThat(span.getName()).isEqualTo("meshward.test.Echo/Who");
    assertThat(span.getKind()).isEqualTo(SpanKind.SERVER);
    assertThat(span.getTraceId()).isEqualTo(TRACE);
    assertThat(span.getParentSpanId()).isEqualTo("b7ad6b7169203331");
    Attributes attributes = span.getAttributes();
    assertThat(text(attributes, "spiffe.id")).isEqualTo(shop.orders.toString());
    assertThat(text(attributes, "spiffe.peer.id")).isEqualTo(shop.frontend.toString());
    assertThat(text(attributes, "spiffe.trust_domain")).isEqualTo("shop.test");
    assertThat(attributes.get(AttributeKey.longKey("spiffe.ttl_sec"))).isPositive();
    assertThat(text(attributes, "authz.decision")).isEqualTo("allow");
    assertThat(text(attributes, "authz.policy_id")).startsWith("orders@");
    assertThat(text(attributes, "authz.trace_id")).isEqualTo(TRACE);
    assertThat(text(attributes, "rpc.system.name")).isEqualTo("grpc");
    assertThat(text(attributes, "rpc.method")).isEqualTo("meshward.test.Echo/Who");
    assertThat(text(attributes, "rpc.response.status_code")).isEqualTo("OK");
    assertThat(serviceTraces).containsExactly(TRACE);
  }

  @Test
  void aRefusedCallIsASpanToo() {
    assertThat(catchThrowable(() -> Echo.call(channel, Echo.OTHER_SERVICE, "hello"))).isNotNull();

    SpanData span = span();
    assertThat(text(span.getAttributes(), "authz.decision")).isEqualTo("deny");
    assertThat(text(span.getAttributes(), "authz.reason")).isEqualTo("no_rule");
    assertThat(text(span.getAttributes(), "rpc.response.status_code"))
        .isEqualTo("PERMISSION_DENIED");
    assertThat(text(span.getAttributes(), "authz.trace_id")).isEqualTo(span.getTraceId());
    assertThat(text(span.getAttributes(), "rpc.method")).isEqualTo("_OTHER");
    assertThat(text(span.getAttributes(), "rpc.method_original"))
        .isEqualTo("meshward.test.Other/Who");
  }

  @Test
  void aServiceThatFailsAtTheStartOfACallEndsItsSpan() {
    failure = new IllegalStateException("no database");

    assertThat(catchThrowable(() -> Echo.call(channel, "hello"))).isNotNull();

    assertThat(text(span().getAttributes(), "rpc.response.status_code")).isEqualTo("UNKNOWN");
    assertThat(text(span().getAttributes(), "authz.decision")).isEqualTo("allow");
  }

  @Test
  void aCallOfAClientIsASpanAboveItsServers() {
    Span service = TELEMETRY.getOpenTelemetry().getTracer("shop").spanBuilder("order").startSpan();
    String unused =
        Context.current()
            .with(service)
            .wrapSupplier(() -> Echo.call(observedChannel(), "hello"))
            .get();

    SpanData dialled = span(SpanKind.CLIENT);
    SpanData accepted = span(SpanKind.SERVER);
    assertThat(dialled.getName()).isEqualTo("meshward.test.Echo/Who");
    assertThat(dialled.getParentSpanId()).isEqualTo(service.getSpanContext().getSpanId());
    assertThat(accepted.getParentSpanId()).isEqualTo(dialled.getSpanId());
    Attributes attributes = dialled.getAttributes();
    assertThat(text(attributes, "spiffe.id")).isEqualTo(shop.frontend.toString());
    assertThat(text(attributes, "spiffe.peer.id")).isEqualTo(shop.orders.toString());
    assertThat(text(attributes, "spiffe.trust_domain")).isEqualTo("shop.test");
    assertThat(attributes.get(AttributeKey.longKey("spiffe.ttl_sec"))).isPositive();
    assertThat(text(attributes, "authz.decision")).isEqualTo("allow");
    assertThat(text(attributes, "authz.trace_id")).isEqualTo(service.getSpanContext().getTraceId());
    assertThat(text(attributes, "rpc.system.name")).isEqualTo("grpc");
    assertThat(text(attributes, "rpc.method")).isEqualTo("meshward.test.Echo/Who");
    assertThat(text(attributes, "rpc.response.status_code")).isEqualTo("OK");
  }

  @Test
  void aRefusalShowsOnTheClientsSpanWhoeverRefuses() {
    ManagedChannel observed = observedChannel();
    assertThat(catchThrowable(() -> Echo.call(observed, Echo.OTHER_SERVICE, "hello"))).isNotNull();
    assertThat(text(span(SpanKind.CLIENT).getAttributes(), "authz.decision")).isEqualTo("deny");
    TELEMETRY.clearSpans();

    shop.clientHolds.place(Subject.of(shop.orders), "containment-1");
    assertThat(catchThrowable(() -> Echo.call(observed, "hello"))).isNotNull();

    SpanData refusedHere = span(SpanKind.CLIENT);
    assertThat(text(refusedHere.getAttributes(), "authz.decision")).isEqualTo("deny");
    assertThat(text(refusedHere.getAttributes(), "error.type")).isEqualTo("PERMISSION_DENIED");
  }

  @Test
  void anInstrumentationThatRunsAlreadyKeepsItsSpan() {
    Span running = TELEMETRY.getOpenTelemetry().getTracer("shop").spanBuilder("client").startSpan();
    Metadata trace = new Metadata();
    trace.put(
        Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
        "00-" + TRACE + "-b7ad6b7169203331-01");
    Channel instrumented =
        ClientInterceptors.intercept(
            observedChannel(), MetadataUtils.newAttachHeadersInterceptor(trace));
    String unused =
        Context.current().with(running).wrapSupplier(() -> Echo.call(instrumented, "hello")).get();
    running.end();

    assertThat(span(SpanKind.SERVER).getTraceId()).isEqualTo(TRACE);
    assertThat(TELEMETRY.getSpans()).noneMatch(span -> span.getKind() == SpanKind.CLIENT);
    assertThat(text(span(SpanKind.INTERNAL).getAttributes(), "spiffe.peer.id"))
        .isEqualTo(shop.orders.toString());
  }

  @Test
  void handshakesOfAClientAreAMetricToo() {
    ManagedChannel observed = observedChannel();
    Echo.call(observed, "hello");
    shop.clientHolds.place(Subject.of(shop.orders), "containment-1");
    shop.clientEvents.await(TlsHandshake.class, event -> true);

    assertThat(metric("grpc.client.tls.handshakes").getLongSumData().getPoints())
        .extracting(
            point -> text(point.getAttributes(), "grpc.tls.handshake.result"),
            point -> text(point.getAttributes(), "grpc.tls.handshake.resumed"))
        .containsExactly(tuple("SUCCESS", "FULL_HANDSHAKE"));
  }

  @Test
  void aStreamThatIsCutEndsItsSpan() {
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");
    channel.shutdownNow();

    assertThat(text(span().getAttributes(), "rpc.response.status_code")).isEqualTo("CANCELLED");
  }

  @Test
  void handshakesAndDecisionsAreMetrics() throws IOException {
    Echo.call(channel, "hello");
    shop.serverEvents.await(AuthzDecision.class, any -> true);
    try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), server.getPort())) {
      plain.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
      assertThat(plain.getInputStream().readAllBytes()).isNotNull();
    }
    shop.serverEvents.await(
        TlsHandshake.class, event -> event.tls().result() != TlsHandshake.Result.SUCCESS);

    assertThat(metric("grpc.server.tls.handshakes").getLongSumData().getPoints())
        .extracting(
            point -> text(point.getAttributes(), "grpc.tls.handshake.result"),
            point -> text(point.getAttributes(), "grpc.tls.handshake.resumed"))
        .contains(tuple("SUCCESS", "FULL_HANDSHAKE"))
        .hasSize(2);
    assertThat(metric("meshward.authz.duration").getHistogramData().getPoints())
        .singleElement()
        .satisfies(
            point -> {
              assertThat(text(point.getAttributes(), "spiffe.peer.id"))
                  .isEqualTo(shop.frontend.toString());
              assertThat(text(point.getAttributes(), "authz.decision")).isEqualTo("allow");
              assertThat(point.getAttributes().get(AttributeKey.longKey("spiffe.ttl_sec")))
                  .as("too many values for a metric")
                  .isNull();
            });
    assertThat(metric("meshward.svid.ttl").getDoubleGaugeData().getPoints())
        .singleElement()
        .satisfies(point -> assertThat(point.getValue()).isPositive());
  }

  @Test
  void whatTheStatusSaysIsMeasuredToo() {
    String unused = Echo.call(channel, "hello");
    assertThat(number("meshward.open")).isEqualTo(1);
    assertThat(number("meshward.connections")).isEqualTo(1);
    assertThat(metric("meshward.connections.refused").getLongSumData().getPoints())
        .singleElement()
        .satisfies(point -> assertThat(point.getValue()).isZero());
    assertThat(number("meshward.quarantine.holds")).isZero();
    assertThat(number("meshward.policy.problem")).isZero();
    assertThat(metric("meshward.quarantine.age").getDoubleGaugeData().getPoints())
        .singleElement()
        .satisfies(point -> assertThat(point.getValue()).isNotNegative());
    assertThat(metric("meshward.events.dropped").getLongSumData().getPoints())
        .extracting(point -> text(point.getAttributes(), "event.class"))
        .containsExactlyInAnyOrder("enforcement", "denial", "lifecycle", "handshake", "allow");

    var unusedKey = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    Eventually.await("no connection", () -> number("meshward.connections") == 0);
    assertThat(number("meshward.quarantine.holds")).isEqualTo(1);

    shop.mesh.workload(shop.orders).redact();
    Eventually.await("closed", () -> number("meshward.open") == 0);
  }

  private static long number(String name) {
    return metric(name).getLongGaugeData().getPoints().iterator().next().getValue();
  }

  private static MetricData metric(String name) {
    return TELEMETRY.getMetrics().stream()
        .filter(metric -> metric.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private ManagedChannel observedChannel() {
    return shop.dial(
        shop.frontendRuntime(builder -> builder.openTelemetry(TELEMETRY.getOpenTelemetry())),
        server);
  }

  private static SpanData span(SpanKind kind) {
    Eventually.await(
        "a span of a " + kind,
        () -> TELEMETRY.getSpans().stream().anyMatch(span -> span.getKind() == kind));
    return TELEMETRY.getSpans().stream()
        .filter(span -> span.getKind() == kind)
        .findFirst()
        .orElseThrow();
  }

  private static SpanData span() {
    Eventually.await("a span", () -> !TELEMETRY.getSpans().isEmpty());
    return TELEMETRY.getSpans().get(0);
  }

  private static String text(Attributes attributes, String key) {
    return String.valueOf(attributes.get(AttributeKey.stringKey(key)));
  }
}
