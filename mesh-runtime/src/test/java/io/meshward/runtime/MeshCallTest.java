package io.meshward.runtime;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.ForeignTls;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MeshCallTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void callsAServerAndIsKnownToItByItsSvid() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

    assertThat(Echo.call(channel, "hello"))
        .isEqualTo("spiffe://shop.test/ns/shop/sa/frontend said hello");

    TlsHandshake seen = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(seen.tls().result()).isEqualTo(Result.SUCCESS);
    assertThat(seen.tls().role()).isEqualTo(Role.SERVER);
    assertThat(seen.tls().version()).isEqualTo("TLSv1.3");
    assertThat(seen.tls().alpn()).isEqualTo("h2");
    assertThat(seen.tls().resumed()).isFalse();
    assertThat(seen.tls().provider()).isEqualTo("boringssl");
    assertThat(seen.tls().group()).isEqualTo("X25519MLKEM768");
    assertThat(seen.tls().sni()).as("it dialled an address").isNull();
    assertThat(seen.peer().id()).isEqualTo(shop.frontend);
    assertThat(seen.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(shop.serverEvents.record(seen).key()).isEqualTo(shop.frontend.toString());
    assertThat(shop.serverEvents.record(seen).envelope().source())
        .isEqualTo(shop.orders.toString());

    TlsHandshake dialled = shop.clientEvents.await(TlsHandshake.class, event -> true);
    assertThat(dialled.tls().result()).isEqualTo(Result.SUCCESS);
    assertThat(dialled.tls().role()).isEqualTo(Role.CLIENT);
    assertThat(dialled.peer().id()).isEqualTo(shop.orders);
    assertThat(dialled.tls().group()).isEqualTo("X25519MLKEM768");

    AuthzDecision decision = shop.serverEvents.await(AuthzDecision.class, event -> true);
    assertThat(decision.authz().decision()).isEqualTo(Decision.ALLOW);
    assertThat(decision.authz().ruleId()).isEqualTo("allow_rules.frontend");
    assertThat(decision.conn()).isEqualTo(seen.conn());
    assertThat(decision.peer().id()).isEqualTo(shop.frontend);
    assertThat(requireNonNull(decision.rpc()).method()).isEqualTo("/meshward.test.Echo/Who");
  }

  @Test
  void theHostNameThatAClientAskedForIsInTheEvent() throws Exception {
    Server server = shop.serve(shop.ordersRuntime());
    try (Socket open = new Socket(InetAddress.getLoopbackAddress(), server.getPort());
        SSLSocket tls =
            (SSLSocket)
                ForeignTls.context(shop.mesh.trustDomain().issue(shop.frontend))
                    .getSocketFactory()
                    .createSocket(open, "127.0.0.1", server.getPort(), true)) {
      SSLParameters asking = tls.getSSLParameters();
      asking.setServerNames(List.of(new SNIHostName("orders.example.org")));
      asking.setApplicationProtocols(new String[] {"h2"});
      asking.setProtocols(new String[] {"TLSv1.3"});
      tls.setSSLParameters(asking);
      tls.startHandshake();

      assertThat(shop.serverEvents.await(TlsHandshake.class, any -> true).tls().sni())
          .isEqualTo("orders.example.org");
    }
  }
}
