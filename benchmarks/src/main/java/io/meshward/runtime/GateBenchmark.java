package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpServer;
import io.grpc.Attributes;
import io.grpc.InternalMetadata;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * All that happens to an allowed call before the service sees it, on metadata as it comes from the
 * wire: by a policy of 21 rules, and with OPA's answer from the cache behind it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class GateBenchmark {
  private static final SpiffeId CALLER = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");
  private static final SpiffeId SELF = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  /** Whether each decision is built as an event, which a sink then forgets. */
  @Param({"none", "built"})
  public String event = "none";

  private final HttpServer opa = opa();
  private final Map<String, CallGate> gates = new HashMap<>();
  private @Nullable CallGate byPolicy;
  private @Nullable CallGate byOpa;
  private final ServerCall<byte[], byte[]> call;
  private final Metadata headers = headers();
  private final ServerCallHandler<byte[], byte[]> service = (any, metadata) -> new Silent();

  public GateBenchmark() {
    TestTrustDomain domain = TestTrustDomain.create("shop.test");
    IssuedSvid caller = domain.issue(CALLER);
    IssuedSvid self = domain.issue(SELF);
    Map<TrustDomain, TrustBundle> bundles =
        Map.of(domain.name(), new TrustBundle(domain.name(), domain.x509Authorities()));
    Clock clock = Clock.systemUTC();
    OwnIdentity own = new OwnIdentity(clock);
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(
                new X509Svid(SELF, self.certificates(), self.privateKey(), null), bundles, 1)));
    Trust trust = new Trust();
    var _ = trust.bundles(bundles);
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    Admission admission = new Admission(own, trust, clock, SvidProfile.STRICT_AT_HOME);
    TrackedConnection connection =
        new TrackedConnection("c-1", Role.SERVER, new ChannelLink(new EmbeddedChannel()), null);
    PeerIdentity peer = new PeerIdentity(CALLER, caller.leaf(), "10.1.2.3", 1, "c-1");
    connection.admit(peer, caller.certificates(), caller.notAfter(), trust.current().generation());
    ConnectionFacts facts = ConnectionFacts.of(peer, Attributes.EMPTY);
    call =
        new FixedCall(
            Attributes.newBuilder()
                .set(PeerTransportFilter.CONNECTION, connection)
                .set(PeerTransportFilter.FACTS, facts)
                .build());
    EvidenceVerifier evidence =
        new EvidenceVerifier(
            null,
            new DelegationVerifier(own::id, admission, Duration.ZERO, clock),
            new TrustedProxies(IdentityPatterns.NONE, trust, clock),
            Runnable::run);
    PolicySet policies = new PolicySet(PolicyBenchmark.policy(), null, ServiceTable.EMPTY);
    OpaDecisionPoint point =
        new OpaDecisionPoint(
            OpaOptions.at("http://127.0.0.1:" + opa.getAddress().getPort())
                .timeout(Duration.ofSeconds(5))
                .cachedFor(Duration.ofMinutes(5)),
            own::id,
            Runnable::run,
            System::nanoTime);
    for (String emitted : List.of("none", "built")) {
      DecisionEvents events =
          new DecisionEvents(
              new EventReporter(new NoEvents(), clock, own::id, "node", "pod", "instance"),
              admission,
              new AllowSampler(emitted.equals("none") ? Integer.MAX_VALUE : 1),
              null);
      gates.put(emitted + " opa", gate(admission, evidence, policies, point, events, clock));
      gates.put(emitted, gate(admission, evidence, policies, null, events, clock));
    }
    CallFacts asked =
        new CallFacts(facts, "shop.Orders/List", headers, TokenClaims.ABSENT, id -> 0.1, clock);
    if (!point.ask(asked).join().allowed() || !point.ask(asked).isDone()) {
      throw new IllegalStateException("OPA's answer is not in the cache");
    }
  }

  private static CallGate gate(
      Admission admission,
      EvidenceVerifier evidence,
      PolicySet policies,
      @Nullable DecisionPoint decisionPoint,
      DecisionEvents events,
      Clock clock) {
    return new CallGate(
        admission,
        evidence,
        () -> policies,
        id -> 0.1,
        decisionPoint,
        Runnable::run,
        events,
        clock);
  }

  private static HttpServer opa() {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      byte[] answer =
          "{\"result\": true, \"provenance\": {\"bundles\": {\"a\": {\"revision\": \"1\"}}}}"
              .getBytes(UTF_8);
      server.createContext(
          "/",
          exchange -> {
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
          });
      server.start();
      return server;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Setup(Level.Trial)
  public void choose() {
    byPolicy = gates.get(event);
    byOpa = gates.get(event + " opa");
  }

  @TearDown(Level.Trial)
  public void close() {
    opa.stop(0);
  }

  /** What a call of grpc-java brings, as bytes. */
  private static Metadata headers() {
    String[] texts = {
      "content-type", "application/grpc",
      "te", "trailers",
      "user-agent", "grpc-java-netty/1.85.1",
      "grpc-accept-encoding", "gzip",
      "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    };
    byte[][] bytes = new byte[texts.length][];
    for (int i = 0; i < texts.length; i++) {
      bytes[i] = texts[i].getBytes(UTF_8);
    }
    return InternalMetadata.newMetadata(bytes);
  }

  /** By the policy. */
  @Benchmark
  public Object policy() {
    return requireNonNull(byPolicy).interceptCall(call, headers, service);
  }

  /** By the policy and OPA's answer from the cache. */
  @Benchmark
  public Object cachedOpa() {
    return requireNonNull(byOpa).interceptCall(call, headers, service);
  }

  private static final class Silent extends ServerCall.Listener<byte[]> {}

  /** A call that is only looked at. */
  private static final class FixedCall extends ServerCall<byte[], byte[]> {
    private static final MethodDescriptor<byte[], byte[]> METHOD =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("shop.Orders/List")
            .setRequestMarshaller(new Bytes())
            .setResponseMarshaller(new Bytes())
            .build();
    private final Attributes attributes;

    FixedCall(Attributes attributes) {
      this.attributes = attributes;
    }

    @Override
    public void request(int messages) {}

    @Override
    public void sendHeaders(Metadata metadata) {}

    @Override
    public void sendMessage(byte[] message) {}

    @Override
    public void close(Status status, Metadata trailers) {
      throw new IllegalStateException("refused: " + status);
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public Attributes getAttributes() {
      return attributes;
    }

    @Override
    public MethodDescriptor<byte[], byte[]> getMethodDescriptor() {
      return METHOD;
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      return new byte[0];
    }
  }
}
