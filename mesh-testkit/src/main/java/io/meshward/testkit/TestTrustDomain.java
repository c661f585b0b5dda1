package io.meshward.testkit;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jwt.JWTClaimsSet;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A trust domain in process: authorities that issue X.509-SVIDs and JWT-SVIDs, their rotation, and
 * the bundles to verify with.
 *
 * <p>Authorities rotate as SPIRE's do, so that no peer meets an SVID before the bundle for it:
 * {@link #prepareX509Authority()} publishes a new root, {@link #activateX509Authority()} lets it
 * sign, {@link #retireX509Authorities()} drops the older ones. Each {@link TestWorkloadApi} of this
 * trust domain, and of those federated with it, pushes what changed.
 *
 * <p>Safe for use by several threads.
 */
public final class TestTrustDomain {

  private final TrustDomain name;
  private final Clock clock;
  private final Set<Runnable> bundleListeners = new CopyOnWriteArraySet<>();
  private final Set<Runnable> federationListeners = new CopyOnWriteArraySet<>();
  private final Runnable onForeignChange = this::tellFederationListeners;
  private volatile Authorities authorities;
  private volatile List<TestTrustDomain> federated = List.of();

  /** What is published, in the order of age, and which of it signs. */
  private record Authorities(
      long sequence,
      List<CertificateAuthority> x509,
      CertificateAuthority activeX509,
      List<JwtAuthority> jwt,
      JwtAuthority activeJwt) {}

  private TestTrustDomain(TrustDomain name, Clock clock) {
    this.name = name;
    this.clock = clock;
    var x509 = CertificateAuthority.root(name, clock.instant());
    var jwt = JwtAuthority.create();
    authorities = new Authorities(1, List.of(x509), x509, List.of(jwt), jwt);
  }

  /** A trust domain with new keys, by the wall clock. */
  public static TestTrustDomain create(String name) {
    return create(TrustDomain.parse(name), Clock.systemUTC());
  }

  /** A trust domain with new keys; the clock tells when something is issued. */
  public static TestTrustDomain create(TrustDomain name, Clock clock) {
    return new TestTrustDomain(name, clock);
  }

  public TrustDomain name() {
    return name;
  }

  Clock clock() {
    return clock;
  }

  /** An X.509-SVID for an hour. */
  public IssuedSvid issue(SpiffeId id) {
    return issue(id, IssueOptions.DEFAULT);
  }

  /**
   * An X.509-SVID. An ID of another trust domain is signed too: that is what a malicious or
   * confused authority does, and what a peer has to refuse.
   */
  public IssuedSvid issue(SpiffeId id, IssueOptions options) {
    return authorities.activeX509.issue(id, clock.instant(), options);
  }

  /** A JWT-SVID, signed with ES256. */
  public String issueJwt(SpiffeId id, Set<String> audience, Duration timeToLive) {
    if (audience.isEmpty()) {
      throw new IllegalArgumentException("an audience expected for the JWT-SVID of " + id);
    }
    return authorities.activeJwt.issue(id, audience, clock.instant(), timeToLive);
  }

  /** A token with any header and claims, signed by the active key: for tokens that are wrong. */
  public String signJwt(JWSHeader header, JWTClaimsSet claims) {
    return authorities.activeJwt.sign(header, claims.toPayload());
  }

  /** The certificates to verify X.509-SVIDs with. */
  public List<X509Certificate> x509Authorities() {
    return authorities.x509.stream().map(CertificateAuthority::x509Certificate).toList();
  }

  /** {@link #x509Authorities()} as the Workload API carries them: DER, one after the other. */
  public byte[] x509Bundle() {
    return Der.concatenate(
        authorities.x509.stream().map(CertificateAuthority::certificate).toList());
  }

  /** The JWK set to verify JWT-SVIDs with, as the Workload API carries it. */
  public String jwtBundle() {
    return new JWKSet(List.<JWK>copyOf(jwtKeys(null))).toString();
  }

  /**
   * The whole bundle as a JWK set (SPIFFE Trust Domain and Bundle 4), as a federation endpoint
   * serves it.
   */
  public String spiffeBundle() {
    var keys = new ArrayList<JWK>();
    for (X509Certificate certificate : x509Authorities()) {
      try {
        keys.add(
            new ECKey.Builder(ECKey.parse(certificate))
                .keyID(null)
                .keyUse(new KeyUse("x509-svid"))
                .x509CertSHA256Thumbprint(null)
                .build());
      } catch (JOSEException e) {
        throw new IllegalStateException("cannot write a root of " + name + " as a JWK", e);
      }
    }
    keys.addAll(jwtKeys(new KeyUse("jwt-svid")));
    return new JWKSet(
            keys, Map.of("spiffe_sequence", authorities.sequence, "spiffe_refresh_hint", 10))
        .toString();
  }

  private List<ECKey> jwtKeys(@Nullable KeyUse use) {
    return authorities.jwt.stream()
        .map(authority -> new ECKey.Builder(authority.publicKey()).keyUse(use).build())
        .toList();
  }

  /** Publishes a new root, which signs nothing yet. */
  public void prepareX509Authority() {
    change(
        now -> {
          var next = CertificateAuthority.root(name, clock.instant());
          return new Authorities(
              now.sequence + 1, plus(now.x509, next), now.activeX509, now.jwt, now.activeJwt);
        });
  }

  /** Lets the newest root sign what is issued from now on. */
  public void activateX509Authority() {
    change(now -> new Authorities(now.sequence, now.x509, last(now.x509), now.jwt, now.activeJwt));
  }

  /** Drops the roots that do not sign: what they signed is refused once peers have heard. */
  public void retireX509Authorities() {
    change(
        now ->
            new Authorities(
                now.sequence + 1, List.of(now.activeX509), now.activeX509, now.jwt, now.activeJwt));
  }

  /** Publishes a new key for JWT-SVIDs, which signs from now on; older ones stay published. */
  public void rotateJwtAuthority() {
    change(
        now -> {
          var next = JwtAuthority.create();
          return new Authorities(
              now.sequence + 1, now.x509, now.activeX509, plus(now.jwt, next), next);
        });
  }

  /** Drops the keys for JWT-SVIDs that do not sign. */
  public void retireJwtAuthorities() {
    change(
        now ->
            new Authorities(
                now.sequence + 1, now.x509, now.activeX509, List.of(now.activeJwt), now.activeJwt));
  }

  /** Gives this trust domain's workloads the bundle of another one, and its changes. */
  public void federateWith(TestTrustDomain other) {
    if (other.name.equals(name)) {
      throw new IllegalArgumentException("another trust domain expected than " + name);
    }
    synchronized (this) {
      var all = new LinkedHashMap<TrustDomain, TestTrustDomain>();
      federated.forEach(domain -> all.put(domain.name, domain));
      all.put(other.name, other);
      federated = List.copyOf(all.values());
    }
    other.bundleListeners.add(onForeignChange);
    tellFederationListeners();
  }

  /** Takes the bundle of another trust domain away from this one's workloads. */
  public void stopFederatingWith(TestTrustDomain other) {
    other.bundleListeners.remove(onForeignChange);
    synchronized (this) {
      federated = federated.stream().filter(domain -> domain != other).toList();
    }
    tellFederationListeners();
  }

  /** The trust domains whose bundles this one's workloads get. */
  public List<TestTrustDomain> federated() {
    return federated;
  }

  /** Tells of each later change of what this trust domain's workloads are to be given. */
  void listen(Runnable listener) {
    bundleListeners.add(listener);
    federationListeners.add(listener);
  }

  void stopListening(Runnable listener) {
    bundleListeners.remove(listener);
    federationListeners.remove(listener);
  }

  private void change(UnaryOperator<Authorities> step) {
    synchronized (this) {
      authorities = step.apply(authorities);
    }
    bundleListeners.forEach(Runnable::run);
  }

  private void tellFederationListeners() {
    federationListeners.forEach(Runnable::run);
  }

  private static <T> List<T> plus(List<T> list, T last) {
    var all = new ArrayList<>(list);
    all.add(last);
    return List.copyOf(all);
  }

  private static <T> T last(List<T> list) {
    return list.get(list.size() - 1);
  }

  @Override
  public String toString() {
    return "test trust domain " + name;
  }
}
