package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.SpiffeId;
import java.net.InetAddress;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Judges the peer's chain within a full handshake. Being an extended trust manager it is wrapped by
 * no host name check: identities are SPIFFE IDs. Without a connection it refuses.
 */
final class SvidTrustManager extends X509ExtendedTrustManager {
  private final Admission admission;
  private final FullHandshakes fullHandshakes;
  private final Predicate<SpiffeId> expected;
  private final ServerStaples staples;

  /**
   * @param expected which peers will do
   * @param staples what is demanded of servers beside their certificates
   */
  SvidTrustManager(
      Admission admission,
      FullHandshakes fullHandshakes,
      Predicate<SpiffeId> expected,
      ServerStaples staples) {
    this.admission = admission;
    this.fullHandshakes = fullHandshakes;
    this.expected = expected;
    this.staples = staples;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    fullHandshakes.add(engine);
    check(chain, engine.getPeerHost(), null);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    fullHandshakes.add(engine);
    check(chain, engine.getPeerHost(), engine.getHandshakeSession());
  }

  /**
   * @param peer the peer's address, if the handshake knows it; a host name holds nobody
   * @param server the session with a server, whose staple has to do
   */
  private void check(
      X509Certificate[] presented, @Nullable String peer, @Nullable SSLSession server)
      throws SvidRejectedException {
    List<X509Certificate> chain;
    try {
      chain = Certificates.reread(presented);
    } catch (CertificateException e) {
      throw new SvidRejectedException(
          new Verdict.Rejected(
              RejectionReason.MALFORMED,
              null,
              0,
              "a certificate cannot be read: " + e.getMessage()),
          List.of());
    }
    Trust.Snapshot trust = admission.trust().current();
    switch (admission.judge(chain, peer, null, trust)) {
      case Verdict.Rejected rejected -> throw new SvidRejectedException(rejected, chain);
      case Verdict.Accepted accepted -> {
        if (!expected.test(accepted.id())) {
          throw new SvidRejectedException(
              new Verdict.Rejected(
                  RejectionReason.UNEXPECTED_PEER_ID,
                  accepted.id().toString(),
                  0,
                  accepted.id() + " is not the peer that is expected"),
              chain);
        }
        TrustBundle bundle = trust.bundles().get(accepted.id().trustDomain());
        if (server != null && bundle != null) {
          Optional<Verdict.Rejected> refused =
              staples.refusal(HandshakeFacts.staples(server), chain, accepted.id(), bundle);
          if (refused.isPresent()) {
            throw new SvidRejectedException(refused.get(), chain);
          }
        }
      }
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, address(socket), null);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(
        chain, address(socket), socket instanceof SSLSocket tls ? tls.getHandshakeSession() : null);
  }

  private static @Nullable String address(Socket socket) {
    InetAddress address = socket.getInetAddress();
    return address == null ? null : NetUtil.toAddressString(address);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw unsupported();
  }

  /** None are named, so that a peer learns nothing of whom this side trusts. */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }

  private static CertificateException unsupported() {
    return new CertificateException("a peer is only judged within a handshake");
  }
}
