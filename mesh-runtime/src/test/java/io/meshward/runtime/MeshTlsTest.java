package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MeshTlsTest {
  private final Shop shop = new Shop();
  private final MeshRuntime orders = shop.ordersRuntime();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void twoRuntimesKnowEachOtherOverPlainSockets() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    try (OneConnection accepted = new OneConnection();
        Socket open = new Socket(InetAddress.getLoopbackAddress(), accepted.port());
        SSLSocket tls = frontend.tls().clientSocket(open, shop.orders::equals)) {
      tls.setSoTimeout(10_000);
      tls.startHandshake();

      assertThat(new String(tls.getInputStream().readAllBytes(), UTF_8))
          .isEqualTo(shop.frontend.toString());
      assertThat(frontend.tls().peer(tls.getSession(), "127.0.0.1")).isEqualTo(shop.orders);
      assertThat(tls.getSession().getProtocol()).isEqualTo("TLSv1.3");
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NO_SUBJECT_NAMES_NOT_CRITICAL")
  void aServerJudgesEachKindOfClient(Variation variation) throws Exception {
    IssuedSvid svid =
        shop.mesh.trustDomain().issue(shop.frontend, IssueOptions.DEFAULT.with(variation));

    String answer = ask(Attacker.context(svid));

    boolean good = ExpectedReasons.of(variation) == null && variation != Variation.WRONG_KEY;
    assertThat(answer).isEqualTo(good ? shop.frontend.toString() : "");
  }

  @Test
  void aServerRefusesStrangersAndPeersWithoutACertificate() throws Exception {
    TestTrustDomain other = TestTrustDomain.create("other.test");

    assertThat(ask(Attacker.context(null))).isEmpty();
    assertThat(ask(Attacker.context(other.issue(shop.frontend)))).isEmpty();
    assertThat(ask(Attacker.context(other.issue(other.name().id("/a"))))).isEmpty();
  }

  @Test
  void aServerSpeaksTls13Only() throws Exception {
    SSLContext client = Attacker.context(shop.mesh.trustDomain().issue(shop.frontend));

    assertThat(ask(client, "TLSv1.2")).isEmpty();
    assertThat(ask(client, "TLSv1.3")).isEqualTo(shop.frontend.toString());
  }

  @Test
  void aSessionIsNeverResumedAndSoEachConnectionIsJudged() throws Exception {
    SSLContext client = Attacker.context(shop.mesh.trustDomain().issue(shop.frontend));
    assertThat(ask(client)).isEqualTo(shop.frontend.toString());

    shop.serverHolds.place(Subject.of(shop.frontend), "c1");

    assertThat(ask(client)).isEmpty();
  }

  @Test
  void aConnectionThatIsThereIsJudgedAsOfNow() throws Exception {
    try (OneConnection accepted = new OneConnection();
        SSLSocket tls =
            Attacker.socket(
                Attacker.context(shop.mesh.trustDomain().issue(shop.frontend)),
                accepted.port(),
                "TLSv1.3")) {
      assertThat(new String(tls.getInputStream().readAllBytes(), UTF_8))
          .isEqualTo(shop.frontend.toString());
      SSLSession session = accepted.session();
      assertThat(orders.tls().peer(session, null)).isEqualTo(shop.frontend);

      shop.serverHolds.place(Subject.of(shop.frontend), "c1");

      assertThatThrownBy(() -> orders.tls().peer(session, null))
          .isInstanceOf(SSLPeerUnverifiedException.class)
          .hasMessageContaining("quarantined");
    }
  }

  @Test
  void aClientRefusesAnotherServerThanItExpects() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    try (OneConnection accepted = new OneConnection();
        Socket open = new Socket(InetAddress.getLoopbackAddress(), accepted.port());
        SSLSocket tls = frontend.tls().clientSocket(open, shop.frontend::equals)) {
      tls.setSoTimeout(10_000);
      assertThatThrownBy(tls::startHandshake)
          .isInstanceOf(SSLException.class)
          .hasRootCauseMessage(
              "unexpected_peer_id: " + shop.orders + " is not the peer that is expected");
    }
  }

  @Test
  void nothingIsServedOrDialledWithoutAnSvid() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    shop.mesh.workload(shop.orders).redact();
    Eventually.await(
        "withdrawal", () -> orders.status().identity() instanceof RuntimeState.Withdrawn);

    assertThat(ask(Attacker.context(shop.mesh.trustDomain().issue(shop.frontend)))).isEmpty();
    try (OneConnection accepted = new OneConnection();
        Socket open = new Socket(InetAddress.getLoopbackAddress(), accepted.port());
        SSLSocket tls = frontend.tls().clientSocket(open, anyone -> true)) {
      assertThatThrownBy(tls::startHandshake).isInstanceOf(IOException.class);
    }
  }

  @Test
  void enginesShakeHandsAndNameTheirPeer() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    SSLEngine server = orders.tls().serverEngine("127.0.0.1", 4711);
    SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, shop.orders::equals);

    Engines.shakeHands(client, server);

    assertThat(orders.tls().peer(server.getSession(), "127.0.0.1")).isEqualTo(shop.frontend);
    assertThat(frontend.tls().peer(client.getSession(), null)).isEqualTo(shop.orders);
  }

  @Test
  void anEngineRefusesAnAddressThatIsHeld() {
    MeshRuntime frontend = shop.frontendRuntime();
    shop.serverHolds.place(new Subject(Subject.Kind.IP, null, "10.1.2.3"), "c1");
    SSLEngine server = orders.tls().serverEngine("10.1.2.3", 4711);
    SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, anyone -> true);

    assertThatThrownBy(() -> Engines.shakeHands(client, server))
        .isInstanceOf(SSLException.class)
        .hasStackTraceContaining("the peer is refused: held by containment c1");
  }

  @Test
  void bothSidesReportTheHandshake() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    try (OneConnection accepted = new OneConnection();
        Socket open = new Socket(InetAddress.getLoopbackAddress(), accepted.port());
        SSLSocket tls = frontend.tls().clientSocket(open, shop.orders::equals)) {
      tls.getInputStream().readAllBytes();
    }

    TlsHandshake server = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(server.tls().result()).isEqualTo(Result.SUCCESS);
    assertThat(server.tls().role()).isEqualTo(Role.SERVER);
    assertThat(server.tls().version()).isEqualTo("TLSv1.3");
    assertThat(server.tls().resumed()).isFalse();
    assertThat(server.peer().id()).isEqualTo(shop.frontend);
    TlsHandshake client = shop.clientEvents.await(TlsHandshake.class, event -> true);
    assertThat(client.tls().role()).isEqualTo(Role.CLIENT);
    assertThat(client.peer().id()).isEqualTo(shop.orders);
    Eventually.await(
        "no connection is tracked any more",
        () -> orders.status().connections() + frontend.status().connections() == 0);
  }

  @Test
  void aRefusedHandshakeIsReportedOnceWithItsReason() throws Exception {
    assertThat(ask(Attacker.context(null))).isEmpty();
    awaitHandshakes(1);
    assertThat(ask(Attacker.context(shop.mesh.trustDomain().issue(shop.frontend)), "TLSv1.2"))
        .isEmpty();
    awaitHandshakes(2);
    try (OneConnection accepted = new OneConnection();
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), accepted.port())) {
      plain.setSoTimeout(10_000);
      plain.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(UTF_8));
      assertThat(plain.getInputStream().readAllBytes()).isNotNull();
    }

    awaitHandshakes(3);
    assertThat(shop.serverEvents.of(TlsHandshake.class))
        .extracting(event -> event.tls().detail())
        .containsExactly("no_client_cert", "tls_version", "plaintext");
    assertThat(orders.status().connections()).isZero();
  }

  private void awaitHandshakes(int count) {
    Eventually.await(
        count + " events", () -> shop.serverEvents.of(TlsHandshake.class).size() == count);
  }

  @Test
  void aHoldCutsAnOpenSocketAndCountsIt() throws Exception {
    SSLContext client = Attacker.context(shop.mesh.trustDomain().issue(shop.frontend));
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        SSLSocket peer = Attacker.socket(client, listening.getLocalPort(), "TLSv1.3");
        SSLSocket served = orders.tls().serverSocket(listening.accept())) {
      Thread greets = Thread.ofVirtual().start(() -> write(peer));
      assertThat(served.getInputStream().read()).isEqualTo('x');
      greets.join();

      shop.serverHolds.place(Subject.of(shop.frontend), "c1");

      Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
      assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
      assertThatThrownBy(() -> served.getInputStream().read()).isInstanceOf(IOException.class);
      assertThat(served.isClosed()).isTrue();
      assertThatThrownBy(() -> readToTheEnd(peer)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aHoldCutsAnEngineAndTellsItsOwner() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    AtomicInteger told = new AtomicInteger();
    SSLEngine server = orders.tls().serverEngine("127.0.0.1", 4711, told::incrementAndGet);
    SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, shop.orders::equals);
    Engines.shakeHands(client, server);
    assertThat(orders.status().connections()).isEqualTo(1);

    shop.serverHolds.place(Subject.of(shop.frontend), "c1");

    assertThat(told).hasValue(1);
    assertThat(orders.status().connections()).isZero();
    assertThatThrownBy(
            () -> server.wrap(ByteBuffer.wrap(new byte[] {1}), ByteBuffer.allocate(32 * 1024)))
        .isInstanceOf(SSLException.class);
    assertThatThrownBy(() -> server.unwrap(ByteBuffer.allocate(0), ByteBuffer.allocate(32 * 1024)))
        .isInstanceOf(SSLException.class);
  }

  @Test
  void anOwnerThatFailsToEndItsConnectionKeepsNoOtherFromBeingCut() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    List<SSLEngine> servers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      SSLEngine server =
          orders
              .tls()
              .serverEngine(
                  "127.0.0.1",
                  4711,
                  () -> {
                    throw new IllegalStateException("the owner fails");
                  });
      SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, shop.orders::equals);
      Engines.shakeHands(client, server);
      servers.add(server);
    }

    shop.serverHolds.place(Subject.of(shop.frontend), "c1");

    assertThat(orders.status().connections()).isZero();
    Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(3);
    for (SSLEngine server : servers) {
      assertThatThrownBy(
              () -> server.wrap(ByteBuffer.wrap(new byte[] {1}), ByteBuffer.allocate(32 * 1024)))
          .isInstanceOf(SSLException.class);
    }
  }

  @Test
  void anEngineThatIsClosedIsNotTrackedAnyMore() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    SSLEngine server = orders.tls().serverEngine("127.0.0.1", 4711);
    SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, shop.orders::equals);
    Engines.shakeHands(client, server);

    server.closeOutbound();
    client.closeOutbound();

    assertThat(orders.status().connections()).isZero();
    assertThat(frontend.status().connections()).isZero();
  }

  @Test
  void aHandshakeThatDoesNotComeIsCut() throws Exception {
    MeshRuntime impatient =
        shop.ordersRuntime(
            builder ->
                builder.limits(
                    TransportLimits.defaults().withHandshakeTimeout(Duration.ofMillis(50))));
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket silent = new Socket(InetAddress.getLoopbackAddress(), listening.getLocalPort());
        SSLSocket served = impatient.tls().serverSocket(listening.accept())) {
      assertThatThrownBy(served::startHandshake).isInstanceOf(IOException.class);
      assertThat(silent.getInputStream().read()).isEqualTo(-1);
    }

    TlsHandshake seen = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(seen.tls().result()).isEqualTo(Result.HANDSHAKE_TIMEOUT);
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSize(1);
  }

  private static void write(SSLSocket peer) {
    try {
      peer.getOutputStream().write('x');
      peer.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readToTheEnd(SSLSocket peer) throws IOException {
    if (peer.getInputStream().read() == -1) {
      throw new IOException("closed");
    }
  }

  private String ask(SSLContext client) throws Exception {
    return ask(client, "TLSv1.3");
  }

  /** What the server says to a client; nothing if it refuses. */
  private String ask(SSLContext client, String protocol) throws Exception {
    try (OneConnection accepted = new OneConnection();
        SSLSocket tls = Attacker.socket(client, accepted.port(), protocol)) {
      return new String(tls.getInputStream().readAllBytes(), UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  /** A server for one connection, which tells its client who it is. */
  private final class OneConnection implements AutoCloseable {
    private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    private final CompletableFuture<SSLSession> session = new CompletableFuture<>();
    private @Nullable Socket accepted;

    OneConnection() throws IOException {
      Thread.ofVirtual().start(this::serve);
    }

    int port() {
      return listening.getLocalPort();
    }

    SSLSession session() throws Exception {
      return session.get(10, java.util.concurrent.TimeUnit.SECONDS);
    }

    private void serve() {
      try {
        Socket open = listening.accept();
        accepted = open;
        try (SSLSocket tls = orders.tls().serverSocket(open)) {
          tls.setSoTimeout(10_000);
          tls.startHandshake();
          SpiffeId peer = orders.tls().peer(tls.getSession(), "127.0.0.1");
          session.complete(tls.getSession());
          tls.getOutputStream().write(peer.toString().getBytes(UTF_8));
        }
      } catch (IOException e) {
        session.completeExceptionally(e);
      }
    }

    @Override
    public void close() throws IOException {
      listening.close();
      Socket open = accepted;
      if (open != null) {
        open.close();
      }
    }
  }
}
