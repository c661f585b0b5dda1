package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

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

  @Test
  void whatAClientOfOursResumesWithTheJdkIsJudgedAfterTheHandshake() {
    MeshRuntime client = shop.frontendRuntime(builder -> builder.tlsProvider(SslProvider.JDK));
    SSLContext orders = Attacker.context(shop.mesh.trustDomain().issue(shop.orders));
    try (AttackingServer server = AttackingServer.tls(orders, Speech.USUAL)) {
      ManagedChannel channel =
          shop.closing(client.channelBuilder("127.0.0.1:" + server.port(), shop.orders).build());
      Eventually.await("ready", () -> channel.getState(true) == ConnectivityState.READY);
      server.hangUp();
      Eventually.await("idle", () -> channel.getState(false) == ConnectivityState.IDLE);
      shop.clientEvents.clear();
      shop.clientHolds.place(Subject.of(shop.orders), "containment-1");

      channel.getState(true);

      TlsHandshake refused = shop.clientEvents.await(TlsHandshake.class, event -> true);
      assertThat(refused.tls().detail()).isEqualTo("quarantined");
      assertThat(channel.getState(false)).isNotEqualTo(ConnectivityState.READY);
      assumeThat(refused.tls().alpn())
          .as("a handshake that showed a certificate: this machine was too slow to resume one")
          .isEqualTo("h2");
    }
  }

  private Server server(SslProvider provider) {
    return shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
  }

  /** The session of a connection that got as far as HTTP/2, and so has its tickets. */
  private SSLSession session(Server server) throws IOException {
    try (SSLSocket socket = connect(server)) {
      assertThat(Attacker.isServed(socket)).isTrue();
      return socket.getSession();
    }
  }

  private SSLSocket connect(Server server) {
    return Attacker.socket(thief, server.getPort(), "TLSv1.3", "h2");
  }
}
