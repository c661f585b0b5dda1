package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A server of ours, and what has to become of each attack on it. */
final class ServerUnderAttack implements UnderAttack {
  private final MatrixShop shop;
  private final Target target;
  private final Server server;

  ServerUnderAttack(MatrixShop shop, Target target) {
    this.shop = shop;
    this.target = target;
    server = shop.serve(target);
  }

  private ServerUnderAttack another(UnaryOperator<MeshRuntimeBuilder> built) {
    return new ServerUnderAttack(shop, shop.start(target.role(), target.provider(), built));
  }

  @Override
  public void lets(Shown good) {
    target.events().clear();
    target.admitted(serves(Target.context(good)), Target.idOf(good));
  }

  @Override
  public void refuses(Attack attack, String reason) {
    target.events().clear();
    switch (attack) {
      case Attack.Shows(var shown, var speech) -> refuses(Target.context(shown), speech, reason);
      case Attack.Says(var bytes, var closes) -> refuses(bytes.toByteArray(), closes, reason);
      case Attack.Meanwhile(var event, var inner) ->
          Target.during(event, () -> refuses(inner, reason));
      case Attack.Resumes(var shown, var event) -> {
        SSLContext peer = Target.context(shown.get());
        int unused = serves(peer);
        Target.during(event, () -> refuses(peer, Speech.USUAL, reason));
      }
      case Attack.ResumesAfterRestart(var shown, var event) -> {
        SSLContext peer = Target.context(shown.get());
        int unused = serves(peer);
        Target.during(
            event,
            () -> {
              try (ServerUnderAttack restarted = another(UnaryOperator.identity())) {
                // Sessions are kept by the port that a client believes to talk to.
                restarted.refuses(peer, Speech.USUAL, server.getPort(), reason);
              }
            });
      }
      case Attack.Against(var built, var inner) -> {
        try (ServerUnderAttack other = another(built)) {
          other.refuses(inner, reason);
        }
      }
      case Attack.Claims(var header) -> {
        SpiffeId cashier = shop.own.name().id("/ns/shop/sa/cashier");
        AuthzDecision event =
            refusesCall(cashier, header, shop.frontend.toString(), "policy", reason);
        assertThat(Objects.requireNonNull(event.meta()).spoof()).containsExactly(header);
      }
      case Attack.Delegates(var chain, var to) ->
          refusesCall(
              chain.getLast(),
              DelegationVerifier.KEY.name(),
              shop.delegations.chain(chain, to),
              "credentials",
              reason);
    }
    target.awaitNoConnections();
  }

  /**
   * A peer is served.
   *
   * @return its port
   */
  private int serves(SSLContext peer) {
    int port;
    try (SSLSocket socket = dial(peer, Speech.USUAL, server.getPort())) {
      assertThat(Attacker.isServed(socket)).isTrue();
      port = socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    target.awaitNoConnections();
    return port;
  }

  private void refuses(SSLContext peer, Speech speech, String reason) {
    refuses(peer, speech, server.getPort(), reason);
  }

  private void refuses(SSLContext peer, Speech speech, int believed, String reason) {
    try (SSLSocket socket = dial(peer, speech, believed)) {
      assertThat(Attacker.isServed(socket)).isFalse();
      assertThat(target.refused(socket.getLocalPort(), reason)).hasSize(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void refuses(byte[] bytes, boolean closes, String reason) {
    int port = say(bytes, closes);
    assertThat(target.refused(port, reason)).hasSize(1);
  }

  /** Says this, and ends the connection or waits for the server to do so. */
  private int say(byte[] bytes, boolean closes) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(bytes);
      if (!closes) {
        Attacker.assertEnds(socket);
      }
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The connection is good, but not the one call on it. */
  private AuthzDecision refusesCall(
      SpiffeId caller, String header, String value, String engine, String reason) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of(header, Metadata.ASCII_STRING_MARSHALLER), value);
    ManagedChannel channel = Attacker.dial(server.getPort(), shop.own.issue(caller));
    try {
      StatusRuntimeException refused =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () ->
                  Echo.call(
                      ClientInterceptors.intercept(
                          channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                      "let me in"));
      assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    } finally {
      channel.shutdownNow();
    }
    assertThat(target.events().of(TlsHandshake.class))
        .singleElement()
        .satisfies(event -> assertThat(event.peer().id()).isEqualTo(caller));
    List<AuthzDecision> decisions = target.events().of(AuthzDecision.class);
    assertThat(decisions)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.authz().decision()).isEqualTo(Decision.DENY);
              assertThat(event.authz().engine()).isEqualTo(engine);
              assertThat(event.authz().reason()).isEqualTo(reason);
              assertThat(event.peer().id()).isEqualTo(caller);
            });
    return decisions.get(0);
  }

  private SSLSocket dial(SSLContext peer, Speech speech, int believed) {
    try {
      SSLSocket socket =
          (SSLSocket)
              peer.getSocketFactory()
                  .createSocket(
                      new Socket(InetAddress.getLoopbackAddress(), server.getPort()),
                      "127.0.0.1",
                      believed,
                      true);
      socket.setSoTimeout(10_000);
      socket.setTcpNoDelay(true);
      speech.applyTo(socket);
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    target.close();
  }
}
