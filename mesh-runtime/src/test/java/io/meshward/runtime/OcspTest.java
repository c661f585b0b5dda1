package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.DelegatingSslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * OCSP responses that a workload signs with its SVID, stapled by a server and judged by a client.
 */
class OcspTest {
  private static final Duration VALIDITY = Duration.ofMinutes(10);

  private final Shop shop = new Shop();
  private final SpiffeId responder = shop.mesh.trustDomain().name().id("/ns/mesh/sa/status");

  /** A little ahead, so that what is issued while this runs is valid already. */
  private final SettableClock responderClock = new SettableClock(Instant.now().plusSeconds(50));

  private final HeldIdentities responderHolds = HeldIdentities.none();
  private final MeshRuntime status =
      shop.closing(
          MeshRuntime.builder()
              .workloadApi(shop.mesh.addressFor(responder))
              .withoutEvents()
              .quarantine(responderHolds)
              .clock(responderClock)
              .start());
  private final IssuedSvid orders = shop.mesh.trustDomain().issue(shop.orders);
  private final X509Certificate root = shop.mesh.trustDomain().x509Authorities().get(0);

  @AfterEach
  void close() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"OPENSSL", "JDK"})
  void aClientThatRequiresStaplesIsServedByAServerThatStaples(SslProvider client) {
    Server server = shop.serve(staplingRuntime());
    ManagedChannel channel = shop.dial(client(client, StapleRule.REQUIRE), server);

    // The first response is fetched beside the start.
    Eventually.await(
        "a staple",
        () -> {
          channel.resetConnectBackoff();
          return isServed(channel);
        });
    assertThat(ocsp(shop.clientEvents)).isEqualTo("good");
    assertThat(ocsp(shop.serverEvents)).isEqualTo("stapled");
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"OPENSSL", "JDK"})
  void aClientThatRequiresStaplesRefusesAServerWithout(SslProvider client) {
    Server server = shop.serve(shop.ordersRuntime());

    ManagedChannel channel = shop.dial(client(client, StapleRule.REQUIRE), server);

    assertThat(isServed(channel)).isFalse();
    assertThat(detail()).isEqualTo("ocsp:missing");
    assertThat(shop.clientEvents.await(TlsHandshake.class, any -> true).tls().ocsp())
        .isEqualTo("missing");
  }

  @Test
  void aServerInAnotherProcessGetsItsStaplesOverTheMesh(@TempDir Path folder) throws Exception {
    MeshRuntime responding = responding(folder);
    Server responses = serveResponses(responding);
    MeshRuntime serving =
        shop.ordersRuntime(
            builder ->
                builder.revocation(
                    RevocationOptions.DEFAULT.staple(Shop.target(responses), responder)));
    Server server = shop.serve(serving);
    ManagedChannel channel = shop.dial(client(SslProvider.OPENSSL, StapleRule.REQUIRE), server);

    Eventually.await(
        "a staple",
        () -> {
          channel.resetConnectBackoff();
          return isServed(channel);
        });

    // The next SVID is asked about anew, with a connection of its own.
    IssuedSvid next = shop.mesh.workload(shop.orders).rotate().get(0);
    Eventually.await("the rotation", () -> serving.svid().leaf().equals(next.leaf()));
    ManagedChannel later = shop.dial(client(SslProvider.OPENSSL, StapleRule.REQUIRE), server);
    Eventually.await(
        "a staple for the next SVID",
        () -> {
          later.resetConnectBackoff();
          return isServed(later);
        });

    // The responder refuses the held one: there is no staple for the next SVID any more.
    responderHolds.place(Subject.of(shop.orders), "containment-1");
    IssuedSvid last = shop.mesh.workload(shop.orders).rotate().get(0);
    Eventually.await("the rotation", () -> serving.svid().leaf().equals(last.leaf()));
    shop.clientEvents.clear();
    assertThat(isServed(shop.dial(client(SslProvider.OPENSSL, StapleRule.REQUIRE), server)))
        .isFalse();
    assertThat(detail()).isEqualTo("ocsp:missing");
  }

  @Test
  void aStatusResponderAnswersOnlyWhomItsPolicyAllows(@TempDir Path folder) throws Exception {
    MeshRuntime responding = responding(folder);
    Server responses = serveResponses(responding);
    MeshRuntime frontend = shop.frontendRuntime();

    assertThatThrownBy(
            () -> StatusService.ask(frontend.channelBuilder(Shop.target(responses), responder)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("PERMISSION_DENIED");
  }

  private Server serveResponses(MeshRuntime responding) throws IOException {
    return shop.closing(
        responding
            .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(responding.statusSigner().service(VALIDITY))
            .build()
            .start());
  }

  private MeshRuntime responding(Path folder) throws IOException {
    Path policy =
        Files.writeString(
            folder.resolve("policy.json"),
            """
            {"name": "status", "allow_rules": [{
              "name": "servers",
              "source": {"principals": ["spiffe://shop.test/ns/shop/sa/orders"]},
              "request": {"paths": ["/meshward.runtime.Status/Own"]}}]}
            """);
    return shop.closing(
        MeshRuntime.builder()
            .workloadApi(shop.mesh.addressFor(responder))
            .policy(policy)
            .withoutEvents()
            .quarantine(responderHolds)
            .start());
  }

  @Test
  void aClientThatPrefersStaplesIsServedWithout() {
    Server server = shop.serve(shop.ordersRuntime());

    assertThat(isServed(shop.dial(client(SslProvider.OPENSSL, StapleRule.PREFER), server)))
        .isTrue();
    assertThat(ocsp(shop.clientEvents)).isEqualTo("missing");
    assertThat(ocsp(shop.serverEvents)).as("it has no source of responses").isNull();
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"OPENSSL", "JDK"})
  void aRevokedServerIsRefusedAlsoIfStaplesAreOnlyPreferred(SslProvider client) {
    responderHolds.place(Subject.of(shop.orders), "containment-1");
    Server server = stapling(sign(orders));

    assertThat(isServed(shop.dial(client(client, StapleRule.PREFER), server))).isFalse();
    assertThat(detail()).isEqualTo("ocsp:revoked");
  }

  @Test
  void aStapleThatIsNotLookedAtDoesNoHarm() {
    Server server = stapling(new byte[] {1, 2, 3});

    assertThat(isServed(shop.dial(client(SslProvider.OPENSSL, StapleRule.OFF), server))).isTrue();
  }

  @Test
  void aStapleThatIsNoneIsRefused() {
    Server server = stapling(new byte[] {0x30, 3, 10, 1, 6});

    assertThat(isServed(shop.dial(client(SslProvider.OPENSSL, StapleRule.PREFER), server)))
        .isFalse();
    assertThat(detail()).isEqualTo("ocsp:invalid");
  }

  @Test
  void theSameHoldsForTlsThatIsNotGrpc() throws Exception {
    Server server = stapling(sign(orders));
    MeshRuntime client = client(SslProvider.OPENSSL, StapleRule.REQUIRE);
    try (java.net.Socket open =
            new java.net.Socket(InetAddress.getLoopbackAddress(), server.getPort());
        javax.net.ssl.SSLSocket tls = client.tls().clientSocket(open, shop.orders::equals)) {
      tls.setSoTimeout(10_000);
      assertThatCode(tls::startHandshake).doesNotThrowAnyException();
    }
    Server bare = shop.serve(shop.ordersRuntime());
    try (java.net.Socket open =
            new java.net.Socket(InetAddress.getLoopbackAddress(), bare.getPort());
        javax.net.ssl.SSLSocket tls = client.tls().clientSocket(open, shop.orders::equals)) {
      tls.setSoTimeout(10_000);
      assertThatThrownBy(tls::startHandshake).hasStackTraceContaining("ocsp:missing");
    }
  }

  @Test
  void aGoodResponseIsVerifiedUntilItsEnd() throws Exception {
    StapleVerifier.Good good = verify(sign(orders), orders);

    assertThat(good.nextUpdate())
        .isEqualTo(
            responderClock
                .instant()
                .plus(VALIDITY)
                .truncatedTo(java.time.temporal.ChronoUnit.SECONDS));
  }

  @Test
  void eachThingThatCanBeWrongIsFound() {
    IssuedSvid other = shop.mesh.trustDomain().issue(shop.orders);
    byte[] good = sign(orders);
    byte[] changed = good.clone();
    changed[changed.length / 3] ^= 1;

    assertNotGood(sign(other), RejectionReason.STAPLE_INVALID, "");
    assertNotGood(changed, RejectionReason.STAPLE_INVALID, "");
    assertNotGood(new byte[0], RejectionReason.STAPLE_INVALID, "");
    assertNotGood(
        shop.frontendRuntime().statusSigner().sign(List.of(orders.leaf()), root, VALIDITY),
        RejectionReason.STAPLE_INVALID,
        "");

    responderClock.advance(Duration.ofMinutes(-20));
    assertNotGood(sign(orders), RejectionReason.STAPLE_INVALID, "its time is");
    responderClock.advance(Duration.ofMinutes(40));
    assertNotGood(sign(orders), RejectionReason.STAPLE_INVALID, "its time is");
    responderClock.advance(Duration.ofMinutes(-20));

    responderHolds.place(Subject.of(shop.orders), "containment-1");
    assertNotGood(sign(orders), RejectionReason.STAPLE_REVOKED, "");
  }

  @Test
  void aResponderThatIsHeldIsBelievedNoMore() {
    byte[] good = sign(orders);

    shop.clientHolds.place(Subject.of(responder), "containment-1");

    assertNotGood(good, RejectionReason.STAPLE_INVALID, "quarantined");
  }

  @Test
  void aStrangersCertificateIsUnknown() {
    IssuedSvid stranger =
        io.meshward.testkit.TestTrustDomain.create("stranger.test").issue(shop.orders);
    byte[] said = status.statusSigner().sign(List.of(stranger.leaf()), root, VALIDITY);

    assertNotGood(said, stranger, RejectionReason.STAPLE_INVALID, "issuer");
  }

  @Test
  void theJdkCannotStapleAndSaysSoAtTheStart() {
    assertThatThrownBy(
            () ->
                shop.ordersRuntime(
                    builder ->
                        builder
                            .tlsProvider(SslProvider.JDK)
                            .revocation(
                                RevocationOptions.DEFAULT.staple(
                                    (leaf, issuer) -> new byte[0], responder))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BoringSSL");
  }

  private void assertNotGood(byte[] response, RejectionReason reason, String words) {
    assertNotGood(response, orders, reason, words);
  }

  private void assertNotGood(
      byte[] response, IssuedSvid about, RejectionReason reason, String words) {
    assertThatThrownBy(() -> verify(response, about))
        .isInstanceOfSatisfying(
            StapleVerifier.NotGoodException.class,
            found -> {
              assertThat(found.reason()).isEqualTo(reason);
              assertThat(found.getMessage()).contains(words);
            });
  }

  private StapleVerifier.Good verify(byte[] response, IssuedSvid about)
      throws StapleVerifier.NotGoodException {
    if (verifier == null) {
      verifier = new StapleVerifier(judge(), responder);
    }
    return verifier.verify(
        response, about.certificates(), new TrustBundle(shop.orders.trustDomain(), List.of(root)));
  }

  private @Nullable StapleVerifier verifier;

  /** Who judges for the frontend. */
  private Admission judge() {
    java.time.Clock clock = java.time.Clock.systemUTC();
    OwnIdentity own = new OwnIdentity(clock);
    IssuedSvid frontend = shop.mesh.trustDomain().issue(shop.frontend);
    var bundles =
        java.util.Map.of(
            shop.frontend.trustDomain(),
            new TrustBundle(shop.frontend.trustDomain(), List.of(root)));
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(
                new X509Svid(shop.frontend, frontend.certificates(), frontend.privateKey(), null),
                bundles,
                1)));
    Trust trust = new Trust();
    trust.bundles(bundles);
    shop.clientHolds.watch(holds -> trust.holds(Holds.of(holds, IdentityPatterns.NONE)));
    return new Admission(own, trust, clock, SvidProfile.STRICT_AT_HOME);
  }

  private byte[] sign(IssuedSvid svid) {
    return status.statusSigner().sign(svid.certificates(), root, VALIDITY);
  }

  private MeshRuntime staplingRuntime() {
    return shop.ordersRuntime(
        builder ->
            builder.revocation(
                RevocationOptions.DEFAULT.staple(
                    (leaf, issuer) -> status.statusSigner().sign(List.of(leaf), issuer, VALIDITY),
                    responder)));
  }

  private MeshRuntime client(SslProvider provider, StapleRule rule) {
    return shop.frontendRuntime(
        builder ->
            builder
                .tlsProvider(provider)
                .revocation(RevocationOptions.DEFAULT.requireOfServers(rule, responder)));
  }

  private static @Nullable String ocsp(RecordingSink events) {
    return events
        .await(TlsHandshake.class, event -> event.tls().result() == TlsHandshake.Result.SUCCESS)
        .tls()
        .ocsp();
  }

  private String detail() {
    return String.valueOf(
        shop.clientEvents.await(TlsHandshake.class, event -> true).tls().detail());
  }

  private static boolean isServed(ManagedChannel channel) {
    try {
      String unused = Echo.call(channel, Echo.MISSING, "hello");
      return true;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == io.grpc.Status.Code.UNIMPLEMENTED;
    }
  }

  /** A server that staples whatever it likes. */
  private Server stapling(byte[] response) {
    try {
      SslContext context =
          GrpcSslContexts.configure(
                  SslContextBuilder.forServer(Attacker.keyManager(orders)), SslProvider.OPENSSL)
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .clientAuth(ClientAuth.REQUIRE)
              .enableOcsp(true)
              .build();
      return shop.closing(
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .sslContext(
                  new DelegatingSslContext(context) {
                    @Override
                    protected void initEngine(SSLEngine engine) {
                      ((ReferenceCountedOpenSslEngine) engine).setOcspResponse(response);
                    }
                  })
              .addService(Echo.service())
              .build()
              .start());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
