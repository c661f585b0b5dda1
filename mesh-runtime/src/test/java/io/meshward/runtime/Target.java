package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Role;
import java.security.cert.CertificateParsingException;
import java.util.List;
import javax.net.ssl.SSLContext;

/**
 * A server or a client of ours that is attacked.
 *
 * @param self its ID
 * @param provider who does its TLS
 */
record Target(
    Role role,
    SpiffeId self,
    SslProvider provider,
    MeshRuntime runtime,
    TakenOverBundles bundles,
    RecordingSink events)
    implements AutoCloseable {

  /**
   * The peer on a port was refused in each of its handshakes, always for this reason. What it
   * claimed is no identity and no key: it has proved nothing.
   *
   * @return these handshakes
   */
  List<TlsHandshake> refused(int port, String reason) {
    events.await(TlsHandshake.class, event -> isOf(port, event));
    List<TlsHandshake> handshakes =
        events.of(TlsHandshake.class).stream().filter(event -> isOf(port, event)).toList();
    assertThat(handshakes)
        .allSatisfy(
            event -> {
              assertThat(event.tls().detail()).isEqualTo(reason);
              assertThat(event.tls().result()).isEqualTo(ExpectedResults.of(reason));
              assertThat(event.tls().role()).isEqualTo(role);
              assertThat(event.local().id()).isEqualTo(self);
              assertThat(event.peer().id()).isNull();
              assertThat(event.peer().ip()).isEqualTo("127.0.0.1");
              assertThat(events.record(event).key()).isEqualTo(self.toString());
            });
    assertThat(events.of(AuthzDecision.class)).isEmpty();
    return handshakes;
  }

  /** The peer on a port was let in as whoever it is. */
  void admitted(int port, SpiffeId id) {
    TlsHandshake event = events.await(TlsHandshake.class, any -> isOf(port, any));
    assertThat(event.tls().result()).isEqualTo(TlsHandshake.Result.SUCCESS);
    assertThat(event.tls().detail()).isNull();
    assertThat(event.tls().role()).isEqualTo(role);
    assertThat(event.peer().id()).isEqualTo(id);
    assertThat(event.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(events.record(event).key()).isEqualTo(id.toString());
  }

  private static boolean isOf(int port, TlsHandshake event) {
    return event.peer().port() != null && event.peer().port() == port;
  }

  void awaitNoConnections() {
    Eventually.await("no connection", () -> runtime.status().connections() == 0);
  }

  /** Whatever a peer shows, over the JDK's TLS. */
  static SSLContext context(Shown shown) {
    return shown.chain().isEmpty()
        ? Attacker.context(null)
        : Attacker.context(shown.chain(), shown.key());
  }

  /** The ID that a peer shows. */
  static SpiffeId idOf(Shown shown) {
    try {
      return SpiffeId.parse(Certificates.uriNames(shown.leaf()).get(0));
    } catch (CertificateParsingException e) {
      throw new IllegalStateException(e);
    }
  }

  static void during(Wrong.Event event, Runnable attack) {
    event.happens();
    try {
      attack.run();
    } finally {
      event.undone();
    }
  }

  @Override
  public void close() {
    runtime.close();
  }
}
