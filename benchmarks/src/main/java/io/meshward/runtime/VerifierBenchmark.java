package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What proofs of identity cost: to read, to verify, to make. Keys are of P-256. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class VerifierBenchmark {
  private static final String ID = "spiffe://shop.test/ns/shop/sa/frontend";

  private final TestTrustDomain domain = TestTrustDomain.create("shop.test");
  private final SpiffeId self = domain.name().id("/ns/shop/sa/orders");
  private final IssuedSvid issued = domain.issue(SpiffeId.parse(ID));
  private final X509Svid svid =
      new X509Svid(issued.id(), issued.certificates(), issued.privateKey(), null);
  private final Map<TrustDomain, TrustBundle> bundles =
      Map.of(domain.name(), new TrustBundle(domain.name(), domain.x509Authorities()));
  private final Map<TrustDomain, JwtBundle> jwtBundles = jwtBundles();
  private final String token = domain.issueJwt(issued.id(), Set.of("orders"), Duration.ofHours(1));
  private final Instant now = Instant.now();
  private final String link =
      DelegationToken.sign(svid, svid.id(), List.of(), self, now, now.plusSeconds(300), null);
  private final DelegationVerifier delegations = delegations();
  private final EventSigner signer = new EventSigner(() -> Optional.of(svid), Clock.systemUTC());
  private final String forwarded =
      "By=spiffe://shop.test/ns/mesh/sa/envoy;Hash="
          + "ab".repeat(32)
          + ";Subject=\"CN=a,O=b\";URI="
          + ID;

  private Map<TrustDomain, JwtBundle> jwtBundles() {
    try {
      SpiffeBundle bundle =
          SpiffeBundle.parse(domain.name(), domain.spiffeBundle().getBytes(UTF_8));
      return Map.of(domain.name(), bundle.jwt());
    } catch (MalformedBundleException e) {
      throw new IllegalStateException(e);
    }
  }

  private DelegationVerifier delegations() {
    OwnIdentity own = new OwnIdentity(Clock.systemUTC());
    own.accept(new IdentityUpdate.Issued(new WorkloadIdentity(svid, bundles, 1)));
    Trust trust = new Trust();
    boolean unused = trust.bundles(bundles);
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    return new DelegationVerifier(
        () -> self,
        new Admission(own, trust, Clock.systemUTC(), SvidProfile.STRICT_AT_HOME),
        Duration.ofMinutes(1),
        Clock.systemUTC());
  }

  @Benchmark
  public SpiffeId spiffeId() {
    return SpiffeId.parse(ID);
  }

  /** A leaf directly below its authority. */
  @Benchmark
  public Object x509Svid() {
    return X509SvidVerifier.verify(svid.chain(), bundles, now, any -> true);
  }

  @Benchmark
  public Object jwtSvid() {
    return JwtSvidVerifier.verify(token, "orders", jwtBundles, now, Duration.ZERO);
  }

  /** A token that has been verified before. */
  @Benchmark
  public Object knownDelegation() {
    return delegations.judge(link, svid.id());
  }

  @Benchmark
  public Object forwardedClientCert() {
    return ForwardedClientCert.parse(forwarded);
  }

  /** On the sink's thread, with the JSON of the event. */
  @Benchmark
  public Object signedEvent() {
    ProducerRecord<byte[], byte[]> record =
        CloudEvents.toRecord(
            "topic",
            "key",
            new Envelope<>(
                "id",
                ID,
                now,
                new SvidLifecycle(
                    new SvidLifecycle.Svid(
                        SvidLifecycle.Change.FETCHED,
                        "1",
                        null,
                        now,
                        now,
                        1L,
                        null,
                        null,
                        1L,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null),
                    new LocalWorkload(svid.id(), null, null, "i"))));
    signer.sign(record);
    return record;
  }
}
