package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestTrustDomain;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a decision about a call costs: by the policy, and by an answer of OPA that is cached. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PolicyBenchmark {
  private static final SpiffeId CALLER = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");

  private final AuthorizationPolicy policy = policy();
  private final CallFacts call = call();
  private final OpaCache cache = new OpaCache(Duration.ofMinutes(5), System::nanoTime);
  private final OpaInput input = new OpaInput(() -> CALLER, List.of());

  public PolicyBenchmark() {
    cache.put(
        key(),
        new DecisionPoint.Answer(true, "opa", "opa:a", "r1", null, "d1"),
        "r1",
        cache.time());
  }

  static AuthorizationPolicy policy() {
    StringBuilder rules = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      rules.append(
          """
          {"name": "r%d", "source": {"principals": ["spiffe://shop.test/ns/shop/sa/s%d"]},
           "request": {"paths": ["/shop.S%d/*"]}},
          """
              .formatted(i, i, i));
    }
    try {
      return new PolicyReader(Roles.NONE)
          .read(
              PolicyDocument.readOne(
                  """
                  {"name": "p", "allow_rules": [%s {"name": "last",
                    "source": {"principals": ["spiffe://shop.test/ns/shop/sa/frontend"]},
                    "request": {"paths": ["/shop.Orders/List"]},
                    "when": [{"key": "risk.score", "lt": 0.3}]}]}
                  """
                      .formatted(rules),
                  "policy"));
    } catch (InvalidPolicyException e) {
      throw new IllegalStateException(e);
    }
  }

  private static CallFacts call() {
    X509Certificate leaf = TestTrustDomain.create("shop.test").issue(CALLER).leaf();
    return new CallFacts(
        ConnectionFacts.of(new PeerIdentity(CALLER, leaf, "10.1.2.3", 1, "c"), Attributes.EMPTY),
        "shop.Orders/List",
        new Metadata(),
        TokenClaims.ABSENT,
        id -> 0.1,
        Clock.systemUTC());
  }

  private OpaCache.Key key() {
    return new OpaCache.Key(
        call.connection(), CALLER, call.method(), input.headers(call.metadata()), "", 0.1);
  }

  /** The last of 21 allow rules, with a risk score. */
  @Benchmark
  public boolean policyAllows() {
    return policy.decide(call).allowed();
  }

  /** With what an event says of it, and no policy on trial. */
  @Benchmark
  public Object rulingByPolicy() {
    return Ruling.of(new PolicySet(policy, null, ServiceTable.EMPTY), call, List.of());
  }

  /** OPA's answer from the cache. */
  @Benchmark
  public CompletableFuture<?> cachedOpa() {
    return Objects.requireNonNull(cache.find(key()));
  }

  /** The input for OPA, which a question that is not cached costs beside the wait. */
  @Benchmark
  public byte[] opaInput() {
    return input.json(call, List.of(), 0.1);
  }
}
