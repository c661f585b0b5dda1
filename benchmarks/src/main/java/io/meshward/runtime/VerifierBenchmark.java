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
import java.security.cert.CertificateException;
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

  private static final TestTrustDomain DOMAIN = TestTrustDomain.create("shop.test");
  private static final SpiffeId SELF = DOMAIN.name().id("/ns/shop/sa/orders");
  private static final IssuedSvid ISSUED = DOMAIN.issue(SpiffeId.parse(ID));
  private static final X509Svid SVID =
      new X509Svid(ISSUED.id(), ISSUED.certificates(), ISSUED.privateKey(), null);
  private static final Map<TrustDomain, TrustBundle> BUNDLES =
      Map.of(DOMAIN.name(), new TrustBundle(DOMAIN.name(), DOMAIN.x509Authorities()));
  private static final Map<TrustDomain, JwtBundle> JWT_BUNDLES = jwtBundles();
  private static final String TOKEN =
      DOMAIN.issueJwt(ISSUED.id(), Set.of("orders"), Duration.ofHours(1));
  private static final String LINK = link();
  private static final DelegationVerifier DELEGATIONS = delegations();
  private static final EventSigner SIGNER =
      new EventSigner(() -> Optional.of(SVID), Clock.systemUTC());
  private static final String FORWARDED =
      "By=spiffe://shop.test/ns/mesh/sa/envoy;Hash="
          + "ab".repeat(32)
          + ";Subject=\"CN=a,O=b\";URI="
          + ID;

  private final Instant now = Instant.now();
  private final ProducerRecord<byte[], byte[]> reported = reported(now);
  private final EventVerifier verifier = new EventVerifier();
  private final EventTrust trust = EventTrust.in(BUNDLES);

  private static String link() {
    Instant now = Instant.now();
    return DelegationToken.sign(SVID, SVID.id(), List.of(), SELF, now, now.plusSeconds(300), null);
  }

  private static Map<TrustDomain, JwtBundle> jwtBundles() {
    try {
      SpiffeBundle bundle =
          SpiffeBundle.parse(DOMAIN.name(), DOMAIN.spiffeBundle().getBytes(UTF_8));
      return Map.of(DOMAIN.name(), bundle.jwt());
    } catch (MalformedBundleException e) {
      throw new IllegalStateException(e);
    }
  }

  private static DelegationVerifier delegations() {
    OwnIdentity own = new OwnIdentity(Clock.systemUTC());
    own.accept(new IdentityUpdate.Issued(new WorkloadIdentity(SVID, BUNDLES, 1)));
    Trust trust = new Trust();
    var _ = trust.bundles(BUNDLES);
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    return new DelegationVerifier(
        () -> SELF,
        new Admission(own, trust, Clock.systemUTC(), SvidProfile.STRICT_AT_HOME),
        Duration.ofMinutes(1),
        Clock.systemUTC());
  }

  @Benchmark
  public SpiffeId spiffeId() {
    return SpiffeId.parse(ID);
  }

  /**
   * A leaf directly below its authority, read from DER as in a handshake: the JDK remembers what it
   * has verified with the certificate itself.
   */
  @Benchmark
  public Object x509Svid() throws CertificateException {
    return X509SvidVerifier.verify(
        Certificates.parseDer(ISSUED.derChain()), BUNDLES, now, any -> true);
  }

  @Benchmark
  public Object jwtSvid() {
    return JwtSvidVerifier.verify(TOKEN, "orders", JWT_BUNDLES, now, Duration.ZERO);
  }

  /** A TOKEN that has been verified before. */
  @Benchmark
  public Object knownDelegation() {
    return DELEGATIONS.judge(LINK, SVID.id());
  }

  @Benchmark
  public Object forwardedClientCert() {
    return ForwardedClientCert.parse(FORWARDED);
  }

  /** On the sink's thread, with the JSON of the event. */
  @Benchmark
  public Object signedEvent() {
    return reported(now);
  }

  private static ProducerRecord<byte[], byte[]> reported(Instant now) {
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
                        null,
                        null,
                        null),
                    new LocalWorkload(SVID.id(), null, null, "i"))));
    SIGNER.sign(record);
    return record;
  }

  /** What detection does with the first event of a signer that matches a rule. */
  @Benchmark
  public Object verifiedEvent() {
    return SignedEvents.verify(reported.headers(), reported.value(), now, BUNDLES);
  }

  /** And with each one after it. */
  @Benchmark
  public Object verifiedEventOfKnownSigner() {
    return verifier.verify(reported.headers(), reported.value(), now, trust, now);
  }
}
