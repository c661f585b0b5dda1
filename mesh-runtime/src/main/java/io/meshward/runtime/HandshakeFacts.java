package io.meshward.runtime;

import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a TLS handshake when it ends.
 *
 * @param version as TLS names it; absent if the handshake did not finish, as the next three
 * @param resumed whether a session was resumed, if that is known
 * @param chain what the peer showed, if that can be read
 * @param ownLeaf what this side showed
 */
record HandshakeFacts(
    @Nullable String version,
    @Nullable String cipher,
    @Nullable String alpn,
    @Nullable Boolean resumed,
    List<X509Certificate> chain,
    @Nullable X509Certificate ownLeaf) {
  static final HandshakeFacts NONE = new HandshakeFacts(null, null, null, null, List.of(), null);

  /** Those of a handshake that finished. */
  static HandshakeFacts of(SSLSession session, @Nullable String alpn, @Nullable Boolean resumed) {
    Certificate[] own = session.getLocalCertificates();
    return new HandshakeFacts(
        session.getProtocol(),
        session.getCipherSuite(),
        alpn,
        resumed,
        peerChain(session),
        own != null && own.length > 0 && own[0] instanceof X509Certificate leaf ? leaf : null);
  }

  /** Those of a handshake that broke off, after the peer may have shown a certificate. */
  static HandshakeFacts unfinished(SSLSession session) {
    return new HandshakeFacts(null, null, null, null, peerChain(session), null);
  }

  /** What the peer proved itself with; nothing if it did not, or if that cannot be read. */
  static List<X509Certificate> peerChain(SSLSession session) {
    try {
      return Certificates.reread(session.getPeerCertificates());
    } catch (SSLPeerUnverifiedException | CertificateException e) {
      return List.of();
    }
  }
}
