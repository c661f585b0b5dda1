package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the bundles of configured trust domains, again and again, and adds them to whom this
 * workload trusts (SPIFFE Federation 5 and 6).
 *
 * <p>The last good bundle of a trust domain stays while its endpoint fails, is malformed, or goes
 * back to an older sequence; a poll that failed is tried again at the time of the next one. What
 * the Workload API says of a trust domain, and this workload's own trust domain, is never replaced.
 * Thread-safe.
 */
final class Federation implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Federation.class);

  private static final Duration DEADLINE = Duration.ofSeconds(15);
  private static final Duration RETRY_WITHOUT_BUNDLE = Duration.ofSeconds(30);
  private static final Duration SHORTEST = Duration.ofSeconds(10);
  private static final Duration LONGEST = Duration.ofDays(1);

  private final List<BundleEndpoint> endpoints;
  private final Supplier<Map<TrustDomain, TrustBundle>> trusted;
  private final Clock clock;
  private final RandomGenerator random;
  private final @Nullable SSLContext webTls;
  private volatile Map<TrustDomain, SpiffeBundle> fetched = Map.of();
  private volatile JoinedJwt joined = new JoinedJwt(Map.of(), Map.of(), null, Map.of());
  private final Map<TrustDomain, String> problems = new ConcurrentHashMap<>();
  private volatile BiConsumer<TrustDomain, String> refused = (trustDomain, problem) -> {};
  private final List<Thread> pollers = new ArrayList<>();

  /**
   * JWT bundles, and what they were made of.
   *
   * @param told by the Workload API
   */
  private record JoinedJwt(
      Map<TrustDomain, JwtBundle> told,
      Map<TrustDomain, SpiffeBundle> fetched,
      @Nullable TrustDomain own,
      Map<TrustDomain, JwtBundle> all) {

    @SuppressWarnings("ReferenceEquality")
    boolean isOf(
        Map<TrustDomain, JwtBundle> bundles,
        Map<TrustDomain, SpiffeBundle> others,
        @Nullable TrustDomain self) {
      return told == bundles && fetched == others && Objects.equals(own, self);
    }
  }

  /**
   * @param trusted all bundles that this workload judges peers by
   * @param webTls judges servers of https_web; as the JDK does by default, if absent
   */
  Federation(
      List<BundleEndpoint> endpoints,
      Supplier<Map<TrustDomain, TrustBundle>> trusted,
      Clock clock,
      RandomGenerator random,
      @Nullable SSLContext webTls) {
    this.endpoints = List.copyOf(endpoints);
    this.trusted = trusted;
    this.clock = clock;
    this.random = random;
    this.webTls = webTls;
  }

  /**
   * Begins to poll.
   *
   * @param changed called after a bundle has changed
   * @param refused told why a bundle could not be refreshed, once for each reason in a row
   */
  void start(Runnable changed, BiConsumer<TrustDomain, String> refused) {
    this.refused = refused;
    for (BundleEndpoint endpoint : endpoints) {
      pollers.add(
          Thread.ofVirtual()
              .name("meshward-federation-" + endpoint.trustDomain())
              .start(() -> keepPolling(endpoint, changed)));
    }
  }

  /** Bundles of the Workload API, and beside them those that were fetched. */
  Map<TrustDomain, TrustBundle> join(Map<TrustDomain, TrustBundle> bundles, TrustDomain own) {
    Map<TrustDomain, SpiffeBundle> others = fetched;
    if (others.isEmpty()) {
      return bundles;
    }
    Map<TrustDomain, TrustBundle> all = new HashMap<>();
    others.forEach((trustDomain, bundle) -> all.put(trustDomain, bundle.x509()));
    all.remove(own);
    all.putAll(bundles);
    return Map.copyOf(all);
  }

  /** The sequence of the bundle that was fetched of a trust domain last, if it has one. */
  @Nullable Long sequence(TrustDomain trustDomain) {
    SpiffeBundle bundle = fetched.get(trustDomain);
    return bundle == null || bundle.sequence().isEmpty() ? null : bundle.sequence().getAsLong();
  }

  /**
   * The same for JWT authorities: the very same object until either side changes, since what was
   * verified by it is remembered by that.
   *
   * @param own this workload's ID, if it has one yet
   */
  Map<TrustDomain, JwtBundle> joinJwt(Map<TrustDomain, JwtBundle> bundles, @Nullable SpiffeId own) {
    Map<TrustDomain, SpiffeBundle> others = fetched;
    if (others.isEmpty()) {
      return bundles;
    }
    TrustDomain self = own == null ? null : own.trustDomain();
    JoinedJwt known = joined;
    if (!known.isOf(bundles, others, self)) {
      Map<TrustDomain, JwtBundle> all = new HashMap<>();
      others.forEach((trustDomain, bundle) -> all.put(trustDomain, bundle.jwt()));
      if (self != null) {
        all.remove(self);
      }
      all.putAll(bundles);
      known = new JoinedJwt(bundles, others, self, Map.copyOf(all));
      joined = known;
    }
    return known.all();
  }

  private void keepPolling(BundleEndpoint endpoint, Runnable changed) {
    Look look = new Look(endpoint, changed);
    try {
      while (true) {
        look.take();
        Thread.sleep(pause(endpoint));
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  /** Polls one endpoint and tells of changes; whatever fails is tried again. For one thread. */
  final class Look {
    private final BundleEndpoint endpoint;
    private final Runnable changed;
    private boolean untold;

    Look(BundleEndpoint endpoint, Runnable changed) {
      this.endpoint = endpoint;
      this.changed = changed;
    }

    void take() throws InterruptedException {
      try {
        untold |= poll(endpoint);
        if (untold) {
          changed.run();
          untold = false;
        }
      } catch (RuntimeException e) {
        log.atError()
            .addKeyValue("trustDomain", endpoint.trustDomain())
            .setCause(e)
            .log("a federated bundle could not be taken over: it is tried again");
      }
    }
  }

  /** The refresh hint of the bundle in use, within bounds, and up to a tenth less. */
  Duration pause(BundleEndpoint endpoint) {
    SpiffeBundle known = fetched.get(endpoint.trustDomain());
    Duration hint = known == null ? RETRY_WITHOUT_BUNDLE : known.refreshHint();
    Duration bounded =
        hint.compareTo(SHORTEST) < 0 ? SHORTEST : hint.compareTo(LONGEST) > 0 ? LONGEST : hint;
    return bounded.minusMillis(random.nextLong(bounded.toMillis() / 10));
  }

  /** Fetches once; whether the bundle is another one now. */
  boolean poll(BundleEndpoint endpoint) throws InterruptedException {
    TrustDomain trustDomain = endpoint.trustDomain();
    try {
      byte[] document = new BundleFetch(tls(endpoint), DEADLINE).get(endpoint.url());
      SpiffeBundle bundle = SpiffeBundle.parse(trustDomain, document);
      boolean changed = take(bundle);
      problems.remove(trustDomain);
      return changed;
    } catch (IOException | MalformedBundleException | GeneralSecurityException e) {
      log.atWarn()
          .addKeyValue("trustDomain", trustDomain)
          .addKeyValue("reason", e.getMessage())
          .log("a federated bundle could not be refreshed: what is known of it stays");
      String problem = String.valueOf(e.getMessage());
      if (!problem.equals(problems.put(trustDomain, problem))) {
        refused.accept(trustDomain, problem);
      }
      return false;
    }
  }

  private synchronized boolean take(SpiffeBundle bundle) throws MalformedBundleException {
    TrustDomain trustDomain = bundle.x509().trustDomain();
    SpiffeBundle known = fetched.get(trustDomain);
    if (known != null && known.sequence().isPresent()) {
      long before = known.sequence().getAsLong();
      if (bundle.sequence().isEmpty()) {
        throw new MalformedBundleException("the bundle has no sequence any more, after " + before);
      }
      if (bundle.sequence().getAsLong() < before) {
        throw new MalformedBundleException(
            "the bundle's sequence goes back from "
                + before
                + " to "
                + bundle.sequence().getAsLong());
      }
    }
    Map<TrustDomain, SpiffeBundle> all = new HashMap<>(fetched);
    all.put(trustDomain, bundle);
    fetched = Map.copyOf(all);
    if (known != null && known.x509().equals(bundle.x509()) && known.jwt().equals(bundle.jwt())) {
      return false;
    }
    log.atInfo()
        .addKeyValue("trustDomain", trustDomain)
        .addKeyValue("authorities", bundle.x509().authorities().size())
        .addKeyValue("ignored", bundle.ignored())
        .log("a federated bundle was fetched");
    return true;
  }

  private SSLContext tls(BundleEndpoint endpoint)
      throws GeneralSecurityException, IOException, MalformedBundleException {
    return switch (endpoint) {
      case BundleEndpoint.Web web -> webTls == null ? SSLContext.getDefault() : webTls;
      case BundleEndpoint.Spiffe spiffe -> {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
            null,
            new TrustManager[] {
              new EndpointTrustManager(spiffe.endpointId(), authorities(spiffe), clock)
            },
            null);
        yield context;
      }
    };
  }

  /** The latest bundle of the endpoint's own trust domain (SPIFFE Federation 5.2.2). */
  private Map<TrustDomain, TrustBundle> authorities(BundleEndpoint.Spiffe endpoint)
      throws IOException, MalformedBundleException {
    TrustDomain domain = endpoint.endpointId().trustDomain();
    SpiffeBundle latest = fetched.get(domain);
    if (latest != null) {
      return Map.of(domain, latest.x509());
    }
    TrustBundle known = trusted.get().get(domain);
    if (known != null) {
      return Map.of(domain, known);
    }
    if (endpoint.bootstrap() == null) {
      throw new IOException(
          "the endpoint is to be "
              + endpoint.endpointId()
              + ", and no bundle of "
              + domain
              + " is known: give its bootstrap bundle");
    }
    byte[] document = Files.readAllBytes(endpoint.bootstrap());
    return Map.of(domain, SpiffeBundle.parse(domain, document).x509());
  }

  @Override
  public void close() {
    pollers.forEach(Thread::interrupt);
  }
}
