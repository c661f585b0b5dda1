package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.function.Predicate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Mutual TLS with this workload's SVID for what is not gRPC: Kafka, HTTP, plain sockets. TLS 1.3
 * only, by the JDK; each handshake takes the SVID that is current, and judges the peer as every
 * other of this runtime.
 *
 * <p>Each connection has a TLS context of its own, so that no session is ever resumed: a resumed
 * one would show no certificate to be judged (RFC 8446 2.2). Connections made here are not tracked:
 * when a peer's SVID expires or is held, {@link #peer} says so, and whoever owns the connection
 * closes it. Thread-safe.
 */
public final class MeshTls {
  private static final String[] TLS_1_3 = {"TLSv1.3"};

  private final OwnIdentity own;
  private final Admission admission;
  private final FullHandshakes fullHandshakes;

  MeshTls(OwnIdentity own, Admission admission, FullHandshakes fullHandshakes) {
    this.own = own;
    this.admission = admission;
    this.fullHandshakes = fullHandshakes;
  }

  /**
   * An engine for one accepted connection. It demands a certificate, and takes that of any workload
   * with a valid SVID: who may do what is decided by {@link #peer}'s answer.
   *
   * @param peerAddress where the client comes from, as an IP address, so that holds on addresses
   *     apply
   */
  public SSLEngine serverEngine(String peerAddress, int peerPort) {
    SSLEngine engine = context(anyone -> true).createSSLEngine(peerAddress, peerPort);
    engine.setUseClientMode(false);
    engine.setSSLParameters(server(engine.getSSLParameters()));
    return engine;
  }

  /**
   * An engine for one dialled connection.
   *
   * @param expected which servers will do, such as {@code orders::equals}
   */
  public SSLEngine clientEngine(String peerAddress, int peerPort, Predicate<SpiffeId> expected) {
    SSLEngine engine = context(expected).createSSLEngine(peerAddress, peerPort);
    engine.setUseClientMode(true);
    engine.setSSLParameters(client(engine.getSSLParameters()));
    return engine;
  }

  /**
   * The server's side of TLS over an accepted connection, which is closed with it. See {@link
   * #serverEngine}.
   *
   * @throws IOException if the connection is not open any more
   */
  public SSLSocket serverSocket(Socket accepted) throws IOException {
    SSLSocket socket = layered(anyone -> true, accepted);
    socket.setUseClientMode(false);
    socket.setSSLParameters(server(socket.getSSLParameters()));
    return socket;
  }

  /**
   * The client's side of TLS over an open connection, which is closed with it. See {@link
   * #clientEngine}.
   *
   * @throws IOException if the connection is not open any more
   */
  public SSLSocket clientSocket(Socket connected, Predicate<SpiffeId> expected) throws IOException {
    SSLSocket socket = layered(expected, connected);
    socket.setUseClientMode(true);
    socket.setSSLParameters(client(socket.getSSLParameters()));
    return socket;
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
    List<X509Certificate> chain = ConnectionTracker.peerChain(session);
    return switch (admission.judge(chain, peerAddress, null, admission.trust().current())) {
      case Verdict.Accepted accepted -> accepted.id();
      case Verdict.Rejected rejected ->
          throw new SSLPeerUnverifiedException(rejected.reason().code() + ": " + rejected.words());
    };
  }

  private SSLContext context(Predicate<SpiffeId> expected) {
    try {
      SSLContext context = SSLContext.getInstance(TLS_1_3[0]);
      context.init(
          new KeyManager[] {new SvidKeyManager(own)},
          new TrustManager[] {new SvidTrustManager(admission, fullHandshakes, expected)},
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new MeshRuntimeException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  private SSLSocket layered(Predicate<SpiffeId> expected, Socket open) throws IOException {
    return (SSLSocket)
        context(expected)
            .getSocketFactory()
            .createSocket(open, open.getInetAddress().getHostAddress(), open.getPort(), true);
  }

  private static SSLParameters server(SSLParameters parameters) {
    parameters.setProtocols(TLS_1_3);
    parameters.setNeedClientAuth(true);
    return parameters;
  }

  private static SSLParameters client(SSLParameters parameters) {
    parameters.setProtocols(TLS_1_3);
    return parameters;
  }
}
