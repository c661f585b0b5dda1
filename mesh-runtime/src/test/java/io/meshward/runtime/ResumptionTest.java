package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A resumed TLS 1.3 session shows no certificate to a trust manager: whoever was good once would
 * stay so. The client here is the JDK's, which resumes whenever a server lets it.
 */
class ResumptionTest {
  private final Shop shop = new Shop();
  private final IssuedSvid frontend = shop.mesh.trustDomain().issue(shop.frontend);
  private final SSLContext thief = Attacker.context(frontend);

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aPlainServerLetsThisClientResume() throws IOException {
    IssuedSvid orders = shop.mesh.trustDomain().issue(shop.orders);
    Server plain =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forServer(Attacker.keyManager(orders)),
                        SslProvider.OPENSSL)
                    .trustManager(InsecureTrustManagerFactory.INSTANCE)
                    .clientAuth(ClientAuth.REQUIRE)
                    .build())
            .build()
            .start();
    try {
      long first = session(plain).getCreationTime();

      assertThat(session(plain).getCreationTime()).isEqualTo(first);
    } finally {
      plain.shutdownNow();
    }
  }

  @Test
  void boringSslRefusesToResume() throws IOException {
    Server server = server(SslProvider.OPENSSL);
    long first = session(server).getCreationTime();

    long second = session(server).getCreationTime();

    assertThat(second).isNotEqualTo(first);
    Eventually.await("two handshakes", () -> shop.serverEvents.of(TlsHandshake.class).size() == 2);
    assertThat(shop.serverEvents.of(TlsHandshake.class))
        .allSatisfy(event -> assertThat(event.tls().resumed()).isFalse());
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"OPENSSL", "JDK"})
  void aSessionFromBeforeAHoldDoesNotGetInAfterIt(SslProvider provider) throws IOException {
    Server server = server(provider);
    session(server);
    shop.serverEvents.await(TlsHandshake.class, event -> event.tls().result() == Result.SUCCESS);
    shop.serverEvents.clear();

    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    try (SSLSocket socket = connect(server)) {
      assertThat(Attacker.isServed(socket)).isFalse();
    }

    TlsHandshake refused = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(refused.tls().result()).isEqualTo(Result.CERTIFICATE_REVOKED);
    assertThat(refused.tls().detail()).isEqualTo("quarantined");
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"OPENSSL", "JDK"})
  void aSessionFromBeforeAChangeOfTrustOrTheEndOfItsSvidDoesNotGetInAfterIt(SslProvider provider)
      throws IOException {
    TestTrustDomain own = shop.mesh.trustDomain();
    TestTrustDomain partner = TestTrustDomain.create("partner.test");
    own.federateWith(partner);
    SettableClock clock = new SettableClock(Instant.now());
    MeshRuntime orders = shop.ordersRuntime(builder -> builder.tlsProvider(provider).clock(clock));
    Server server = shop.serve(orders);
    SSLContext foreign = Attacker.context(partner.issue(partner.name().id("/ns/shop/sa/frontend")));
    SSLContext brief =
        Attacker.context(
            own.issue(shop.frontend, IssueOptions.DEFAULT.timeToLive(Duration.ofMinutes(10))));

    session(server, foreign);
    own.stopFederatingWith(partner);
    Eventually.await(
        "the end of the federation",
        () -> !orders.identity().bundles().containsKey(partner.name()));
    assertRefused(server, foreign, "unknown_trust_domain");

    session(server, brief);
    clock.advance(Duration.ofMinutes(20));
    assertRefused(server, brief, "expired");

    session(server, thief);
    shop.serverHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            clock.instant(),
            null,
            clock.instant()));
    assertRefused(server, thief, "quarantined");
  }

  private void assertRefused(Server server, SSLContext client, String reason) throws IOException {
    shop.serverEvents.clear();
    try (SSLSocket socket = connect(server, client)) {
      assertThat(Attacker.isServed(socket)).isFalse();
    }
    assertThat(shop.serverEvents.await(TlsHandshake.class, event -> true).tls().detail())
        .isEqualTo(reason);
  }

  @Test
  void whatTheJdkResumesIsJudgedAfterTheHandshake() throws IOException {
    Server server = server(SslProvider.JDK);
    long first = session(server).getCreationTime();
    shop.serverEvents.clear();
    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

    try (SSLSocket socket = connect(server)) {
      boolean served = Attacker.isServed(socket);

      assumeThat(socket.getSession().getCreationTime())
          .as("the JDK forgets sessions after a second: this machine was too slow to resume one")
          .isEqualTo(first);
      assertThat(served).isFalse();
    }
    TlsHandshake refused = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(refused.tls().detail()).isEqualTo("quarantined");
  }

  private Server server(SslProvider provider) {
    return shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
  }

  /** The session of a connection that got as far as HTTP/2, and so has its tickets. */
  private SSLSession session(Server server) throws IOException {
    return session(server, thief);
  }

  private static SSLSession session(Server server, SSLContext client) throws IOException {
    try (SSLSocket socket = connect(server, client)) {
      assertThat(Attacker.isServed(socket)).isTrue();
      return socket.getSession();
    }
  }

  private SSLSocket connect(Server server) {
    return connect(server, thief);
  }

  private static SSLSocket connect(Server server, SSLContext client) {
    return Attacker.socket(client, server.getPort(), "TLSv1.3", "h2");
  }
}
