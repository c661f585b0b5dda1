package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What scanners and old clients do to a server, and what the events say of it. */
class ProbeTest {
  private final Shop shop = new Shop();
  private final IssuedSvid frontend = shop.mesh.trustDomain().issue(shop.frontend);

  @AfterEach
  void close() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void refusesTls12(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    try (SSLSocket socket =
        Attacker.socket(Attacker.context(frontend), server.getPort(), "TLSv1.2", "h2")) {
      assertThatThrownBy(socket::startHandshake).isInstanceOf(IOException.class);
      TlsHandshake event = expect(Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version");
      assertThat(event.peer().port()).isEqualTo(socket.getLocalPort());
      assertThat(event.peer().id()).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void refusesPlaintext(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    try (Socket socket = socket(server)) {
      socket.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII));
      assertThat(socket.getInputStream().read()).isLessThanOrEqualTo(0x16);
      TlsHandshake event = expect(Result.UNEXPECTED_MESSAGE, "plaintext");
      assertThat(event.peer().port()).isEqualTo(socket.getLocalPort());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void refusesAClientWithoutCertificate(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    try (SSLSocket socket =
        Attacker.socket(Attacker.context(null), server.getPort(), "TLSv1.3", "h2")) {
      socket.startHandshake();
      assertEnds(socket);
      expect(Result.CERTIFICATE_VERIFICATION_FAILED, "no_client_cert");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void refusesAHandshakeWithoutAlpnAlthoughItSucceeds(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    try (SSLSocket socket =
        Attacker.socket(Attacker.context(frontend), server.getPort(), "TLSv1.3")) {
      socket.startHandshake();
      assertEnds(socket);
      expect(Result.NO_APPLICATION_PROTOCOL, "no_h2_alpn");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void refusesAnotherProtocolThanH2(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    try (SSLSocket socket =
        Attacker.socket(Attacker.context(frontend), server.getPort(), "TLSv1.3", "http/1.1")) {
      socket.startHandshake();
      assertEnds(socket);
      expect(Result.NO_APPLICATION_PROTOCOL, "no_h2_alpn");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void seesAPortScan(SslProvider provider) throws IOException {
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
    socket(server).close();

    expect(Result.PEER_CONNECTION_CLOSED, "peer_closed");
  }

  @ParameterizedTest
  @EnumSource(names = {"OPENSSL", "JDK"})
  void endsAHandshakeThatTakesTooLong(SslProvider provider) throws IOException {
    Server impatient =
        shop.serve(
            shop.ordersRuntime(
                builder ->
                    builder
                        .tlsProvider(provider)
                        .limits(
                            TransportLimits.defaults()
                                .withHandshakeTimeout(Duration.ofMillis(300)))));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), impatient.getPort())) {
      socket.setSoTimeout(10_000);
      assertEnds(socket);
      expect(Result.HANDSHAKE_TIMEOUT, "handshake_timeout");
    }
  }

  @Test
  void refusesAHeldAddressBeforeItSaysAnything() throws IOException {
    Server server = shop.serve(shop.ordersRuntime());
    shop.serverHolds.place(new Subject(Subject.Kind.IP, null, "127.0.0.1"), "containment-1");
    try (Socket socket = socket(server)) {
      assertEnds(socket);
      expect(Result.CERTIFICATE_REVOKED, "quarantined");
    }
  }

  @Test
  void refusesEverythingWhileItHasNoSvidItself() throws IOException {
    Server server = shop.serve(shop.ordersRuntime());
    shop.mesh.workload(shop.orders).redact();
    shop.serverEvents.await(
        SvidLifecycle.class, event -> event.svid().change() == SvidLifecycle.Change.WITHDRAWN);
    try (Socket socket = socket(server)) {
      assertEnds(socket);
      expect(Result.UNKNOWN_FAILURE, "own_svid_unavailable");
    }
  }

  @Test
  void closesConnectionsBeyondItsLimitCountsThemAndServesAgainWhenThereIsRoom() throws IOException {
    MeshRuntime orders =
        shop.ordersRuntime(
            builder -> builder.limits(TransportLimits.defaults().withMaxConnections(1)));
    Server small = shop.serve(orders);
    try (Socket first = new Socket(InetAddress.getLoopbackAddress(), small.getPort());
        Socket second = new Socket(InetAddress.getLoopbackAddress(), small.getPort())) {
      second.setSoTimeout(10_000);
      assertEnds(second);
      assertThat(first.isConnected()).isTrue();
      try (Socket third = socket(small)) {
        assertEnds(third);
      }
      Eventually.await("two are reported", () -> connectionsRefused() == 2);
      assertThat(orders.status().connections()).isEqualTo(1);
      assertThat(orders.status().connectionsRefused()).isEqualTo(2);
    }
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), small);
    Eventually.await(
        "room for a connection",
        () -> {
          try {
            return Echo.call(channel, "hello").contains("frontend");
          } catch (StatusRuntimeException e) {
            channel.resetConnectBackoff();
            return false;
          }
        });
  }

  private long connectionsRefused() {
    return shop.serverEvents.of(SvidLifecycle.class).stream()
        .filter(event -> event.svid().change() == SvidLifecycle.Change.CONNECTIONS_REFUSED)
        .mapToLong(event -> event.svid().dropped() == null ? 0 : event.svid().dropped())
        .sum();
  }

  private static Socket socket(Server server) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort());
    socket.setSoTimeout(10_000);
    return socket;
  }

  /** The other side ends the connection, be it by an alert, a reset, or without a word. */
  private static void assertEnds(Socket socket) {
    try {
      byte[] rest = new byte[4096];
      int read = socket.getInputStream().read(rest);
      while (read >= 0) {
        read = socket.getInputStream().read(rest);
      }
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the connection was not ended", e);
    } catch (IOException e) {
      assertThat(e).isNotNull();
    }
  }

  private TlsHandshake expect(Result result, String detail) {
    TlsHandshake event = shop.serverEvents.await(TlsHandshake.class, any -> true);
    assertThat(event.tls().result()).isEqualTo(result);
    assertThat(event.tls().detail()).isEqualTo(detail);
    assertThat(event.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSize(1);
    assertThat(shop.serverEvents.of(AuthzDecision.class)).isEmpty();
    return event;
  }
}
