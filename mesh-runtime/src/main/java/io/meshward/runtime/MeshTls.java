package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Predicate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Mutual TLS with this workload's SVID for what is not gRPC: Kafka, HTTP, plain sockets. TLS 1.3
 * only, by the JDK; each handshake takes the SVID that is current, judges the peer as every other
 * of this runtime, and is reported.
 *
 * <p>Each connection has a TLS context of its own, so that no session is ever resumed: a resumed
 * one would show no certificate to be judged (RFC 8446 2.2). Connections are tracked: when an SVID
 * of one is over, its peer is held, or whom to trust has changed against it, it is cut. A cut
 * socket is closed; a cut engine refuses to wrap and unwrap, and tells its owner. A handshake that
 * takes longer than 10 seconds is cut too. Thread-safe.
 */
public final class MeshTls {
  private final SvidEngines engines;
  private final Admission admission;
  private final ConnectionTracker tracker;
  private final ScheduledExecutorService timer;

  MeshTls(
      SvidEngines engines,
      Admission admission,
      ConnectionTracker tracker,
      ScheduledExecutorService timer) {
    this.engines = engines;
    this.admission = admission;
    this.tracker = tracker;
    this.timer = timer;
  }

  /** As {@link #serverEngine(String, int, Runnable)}; a cut shows when the engine is used. */
  public SSLEngine serverEngine(String peerAddress, int peerPort) {
    return serverEngine(peerAddress, peerPort, () -> {});
  }

  /**
   * An engine for one accepted connection. It demands a certificate, and takes that of any workload
   * with a valid SVID: who may do what is decided by {@link #peer}'s answer. It is tracked until
   * either side of it is closed or it is cut; one that is dropped without that counts until its
   * SVIDs end.
   *
   * @param peerAddress where the client comes from, as an IP address, so that holds on addresses
   *     apply
   * @param whenCut closes the connection; must not block; what it throws is logged
   * @throws IllegalStateException if this workload has too many connections
   */
  public SSLEngine serverEngine(String peerAddress, int peerPort, Runnable whenCut) {
    return tracked(engines.server(peerAddress, peerPort), Role.SERVER, whenCut);
  }

  /** As {@link #clientEngine(String, int, Predicate, Runnable)}; a cut shows when it is used. */
  public SSLEngine clientEngine(String peerAddress, int peerPort, Predicate<SpiffeId> expected) {
    return clientEngine(peerAddress, peerPort, expected, () -> {});
  }

  /**
   * An engine for one dialled connection, tracked as a server's.
   *
   * @param expected which servers will do, such as {@code orders::equals}
   * @param whenCut closes the connection; must not block; what it throws is logged
   * @throws IllegalStateException if this workload has too many connections
   */
  public SSLEngine clientEngine(
      String peerAddress, int peerPort, Predicate<SpiffeId> expected, Runnable whenCut) {
    return tracked(engines.client(peerAddress, peerPort, expected), Role.CLIENT, whenCut);
  }

  /**
   * The server's side of TLS over an accepted connection, which is closed with it. See {@link
   * #serverEngine}.
   *
   * @throws IOException if the connection is not open any more
   * @throws IllegalStateException if this workload has too many connections
   */
  public SSLSocket serverSocket(Socket accepted) throws IOException {
    SSLSocket socket = layered(anyone -> true, accepted);
    socket.setUseClientMode(false);
    socket.setSSLParameters(SvidEngines.server(socket.getSSLParameters()));
    return tracked(socket, accepted, Role.SERVER);
  }

  /**
   * The client's side of TLS over an open connection, which is closed with it. See {@link
   * #clientEngine}.
   *
   * @throws IOException if the connection is not open any more
   * @throws IllegalStateException if this workload has too many connections
   */
  public SSLSocket clientSocket(Socket connected, Predicate<SpiffeId> expected) throws IOException {
    SSLSocket socket = layered(expected, connected);
    socket.setUseClientMode(true);
    socket.setSSLParameters(SvidEngines.client(socket.getSSLParameters()));
    return tracked(socket, connected, Role.CLIENT);
  }

  /**
   * The peer of a finished handshake, judged as of now: its SVID is valid under the bundles of now,
   * and no hold refuses it.
   *
   * @param peerAddress where it comes from, if that is known
   * @throws SSLPeerUnverifiedException saying why the connection has to be closed
   */
  public SpiffeId peer(SSLSession session, @Nullable String peerAddress)
      throws SSLPeerUnverifiedException {
    List<X509Certificate> chain = HandshakeFacts.peerChain(session);
    return switch (admission.judge(chain, peerAddress, null, admission.trust().current())) {
      case Verdict.Accepted accepted -> accepted.id();
      case Verdict.Rejected rejected ->
          throw new SSLPeerUnverifiedException(rejected.reason().code() + ": " + rejected.words());
    };
  }

  /** Judges the peers of all connections again, and cuts those that do not stand any more. */
  void judgeAgain() {
    tracker.judgeAgain();
  }

  /** Ends all connections. */
  void cutAll(Refusal why) {
    tracker.cutAll(why);
  }

  /** Tracks an engine for one dialled connection that somebody else made. */
  SSLEngine dialled(SSLEngine engine) {
    return tracked(engine, Role.CLIENT, () -> {});
  }

  private SSLEngine tracked(SSLEngine engine, Role role, Runnable whenCut) {
    OwnedLink link =
        new OwnedLink(timer, address(engine.getPeerHost()), engine.getPeerPort(), whenCut);
    return new TrackedEngine(engine, link, tracker.owned(role, link));
  }

  /** A client may know its server by a name, which is no address. */
  private static @Nullable String address(@Nullable String host) {
    return host == null || NetUtil.createInetAddressFromIpAddressString(host) == null ? null : host;
  }

  private SSLSocket tracked(SSLSocket socket, Socket carrier, Role role) throws IOException {
    OwnedLink link =
        new OwnedLink(
            timer,
            carrier.getInetAddress().getHostAddress(),
            carrier.getPort(),
            () -> closeNow(carrier));
    try {
      return new TrackedSocket(socket, link, tracker.owned(role, link));
    } catch (RuntimeException e) {
      carrier.close();
      throw e;
    }
  }

  /** Under TLS, which would first say good-bye and wait for whoever is writing. */
  private static void closeNow(Socket carrier) {
    try {
      carrier.close();
    } catch (IOException e) {
      throw new UncheckedIOException("a connection could not be cut", e);
    }
  }

  private SSLSocket layered(Predicate<SpiffeId> expected, Socket open) throws IOException {
    return (SSLSocket)
        engines
            .context(expected)
            .getSocketFactory()
            .createSocket(open, open.getInetAddress().getHostAddress(), open.getPort(), true);
  }
}
