package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Attributes;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.TlsHandshake;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of a call that came together with the end of a handshake. */
class ForeignConnectionsTest {
  private static final String WHO = "/meshward.test.Echo/Who";

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void theEventOfARefusedCallHasItsConnectionAndWhereItCameFrom() throws IOException {
    Server server = serve(shop.ordersRuntime(), new PeerAuthentication.Proved("thief", null));
    int port;
    try (RawHttp2 client =
        new RawHttp2(new Socket(InetAddress.getLoopbackAddress(), server.getPort()))) {
      port = client.localPort();
      client.call(1, WHO, 0).send().awaitEnd();
    }

    TlsHandshake handshake = shop.serverEvents.await(TlsHandshake.class, any -> true);
    assertThat(handshake.tls().detail()).isEqualTo("unknown_account");
    AuthzDecision denied = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(denied.authz().decision()).isEqualTo(AuthzDecision.Decision.DENY);
    assertThat(denied.authz().reason()).isEqualTo("no_peer");
    assertThat(denied.conn()).isEqualTo(handshake.conn());
    assertThat(denied.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(denied.peer().port()).isEqualTo(port);
    assertThat(denied.peer().id()).isNull();
  }

  private Server serve(MeshRuntime runtime, PeerAuthentication.Proved everybody)
      throws IOException {
    PeerAuthentication authentication =
        new PeerAuthentication() {
          @Override
          public String name() {
            return "test";
          }

          @Override
          public Optional<Proved> peer(Attributes transport) {
            return Optional.of(everybody);
          }
        };
    return shop.closing(
        runtime
            .serverBuilder(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                InsecureServerCredentials.create(),
                authentication)
            .addService(Echo.service())
            .build()
            .start());
  }
}
