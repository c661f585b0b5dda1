package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestTrustDomain;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSession;

/** Calls for policies to decide about, over connections that never were. */
final class Calls {
  static final SpiffeId FRONTEND = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");

  private static final Map<String, TestTrustDomain> DOMAINS = new ConcurrentHashMap<>();
  private static final Map<SpiffeId, X509Certificate> LEAVES = new ConcurrentHashMap<>();

  private Calls() {}

  static CallFacts of(SpiffeId caller, String path) {
    return of(caller, path, new Metadata());
  }

  static CallFacts of(SpiffeId caller, String path, Metadata metadata) {
    return of(caller, path, metadata, RiskSource.NONE, TokenClaims.ABSENT);
  }

  static CallFacts of(
      SpiffeId caller, String path, Metadata metadata, RiskSource risk, TokenClaims claims) {
    return of(
        ConnectionFacts.of(peer(leaf(caller), caller), transport(leaf(caller))),
        path,
        metadata,
        risk,
        claims,
        Clock.systemUTC());
  }

  static CallFacts of(
      ConnectionFacts connection,
      String path,
      Metadata metadata,
      RiskSource risk,
      TokenClaims claims,
      Clock clock) {
    return new CallFacts(connection, path.substring(1), metadata, claims, risk, clock);
  }

  static X509Certificate leaf(SpiffeId id) {
    return LEAVES.computeIfAbsent(
        id,
        any ->
            DOMAINS
                .computeIfAbsent(id.trustDomain().name(), TestTrustDomain::create)
                .issue(id)
                .leaf());
  }

  static PeerIdentity peer(X509Certificate leaf, SpiffeId id) {
    return new PeerIdentity(id, leaf, "10.1.2.3", 40_000, "connection-1");
  }

  /** A transport from 10.1.2.3 to port 8443 with that client certificate. */
  static Attributes transport(X509Certificate leaf) {
    return Attributes.newBuilder()
        .set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, new InetSocketAddress("10.1.2.3", 40_000))
        .set(Grpc.TRANSPORT_ATTR_LOCAL_ADDR, new InetSocketAddress("10.9.9.9", 8443))
        .set(Grpc.TRANSPORT_ATTR_SSL_SESSION, session(leaf))
        .build();
  }

  private static SSLSession session(X509Certificate leaf) {
    return (SSLSession)
        Proxy.newProxyInstance(
            Calls.class.getClassLoader(),
            new Class<?>[] {SSLSession.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getPeerCertificates" -> new Certificate[] {leaf};
                  case "getProtocol" -> "TLSv1.3";
                  case "getCipherSuite" -> "TLS_AES_128_GCM_SHA256";
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }
}
