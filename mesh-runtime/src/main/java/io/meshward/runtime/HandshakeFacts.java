package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.grpc.netty.shaded.io.netty.internal.tcnative.SSL;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of a TLS handshake when it ends.
 *
 * @param provider who did it; absent if it had not begun
 * @param version as TLS names it; absent if the handshake did not finish, as the next three
 * @param group of the key exchange, where BoringSSL did it
 * @param sni the host name that the client asked for, if it did
 * @param resumed whether a session was resumed, if that is known
 * @param stapled whether a server's OCSP response was received
 * @param chain what the peer showed, if that can be read
 * @param ownLeaf what this side showed
 */
record HandshakeFacts(
    @Nullable String provider,
    @Nullable String version,
    @Nullable String group,
    @Nullable String cipher,
    @Nullable String alpn,
    @Nullable String sni,
    @Nullable Boolean resumed,
    boolean stapled,
    List<X509Certificate> chain,
    @Nullable X509Certificate ownLeaf) {
  static final String BORINGSSL = "boringssl";
  static final String JDK = "jdk";

  static final HandshakeFacts NONE =
      new HandshakeFacts(null, null, null, null, null, null, null, false, List.of(), null);

  private static final Logger log = LoggerFactory.getLogger(HandshakeFacts.class);

  /** Those of a handshake that is none of TLS. */
  static HandshakeFacts by(String provider) {
    return new HandshakeFacts(provider, null, null, null, null, null, null, false, List.of(), null);
  }

  /** Those of an engine whose handshake finished; for the thread that uses the engine. */
  static HandshakeFacts of(SSLEngine engine, @Nullable String alpn, @Nullable Boolean resumed) {
    return of(provider(engine), group(engine), engine.getSession(), alpn, resumed);
  }

  /** Those of a socket of the JDK whose handshake finished. */
  static HandshakeFacts of(SSLSession session, @Nullable String alpn) {
    return of(JDK, null, session, alpn, false);
  }

  private static HandshakeFacts of(
      String provider,
      @Nullable String group,
      SSLSession session,
      @Nullable String alpn,
      @Nullable Boolean resumed) {
    Certificate[] own = session.getLocalCertificates();
    return new HandshakeFacts(
        provider,
        session.getProtocol(),
        group,
        session.getCipherSuite(),
        alpn,
        requestedHost(session),
        resumed,
        !staples(session).isEmpty(),
        peerChain(session),
        own != null && own.length > 0 && own[0] instanceof X509Certificate leaf ? leaf : null);
  }

  /** Those of a handshake that broke off, after the peer may have shown a certificate. */
  static HandshakeFacts unfinished(SSLEngine engine) {
    SSLSession session = engine.getSession();
    return new HandshakeFacts(
        provider(engine),
        null,
        null,
        null,
        null,
        requestedHost(session),
        null,
        false,
        peerChain(session),
        null);
  }

  /** What the peer proved itself with; nothing if it did not, or if that cannot be read. */
  static List<X509Certificate> peerChain(SSLSession session) {
    try {
      return Certificates.reread(session.getPeerCertificates());
    } catch (SSLPeerUnverifiedException | CertificateException e) {
      return List.of();
    }
  }

  /** What a server stapled, its leaf's first; nothing at the server itself. */
  static List<byte[]> staples(SSLSession session) {
    return session instanceof ExtendedSSLSession extended
        ? extended.getStatusResponses()
        : List.of();
  }

  private static String provider(SSLEngine engine) {
    return engine instanceof ReferenceCountedOpenSslEngine ? BORINGSSL : JDK;
  }

  private static @Nullable String group(SSLEngine engine) {
    if (!(engine instanceof ReferenceCountedOpenSslEngine boringSsl)) {
      return null;
    }
    try {
      long pointer = boringSsl.sslPointer();
      return pointer == 0 ? null : SSL.getGroupName(pointer);
    } catch (Exception e) {
      log.atDebug().setCause(e).log("BoringSSL does not name the group of a key exchange");
      return null;
    }
  }

  /** Clients can ask for anything: what is no host name is none. */
  private static @Nullable String requestedHost(SSLSession session) {
    if (!(session instanceof ExtendedSSLSession extended)) {
      return null;
    }
    try {
      for (SNIServerName name : extended.getRequestedServerNames()) {
        if (name instanceof SNIHostName host) {
          return X509SvidVerifier.clipped(host.getAsciiName());
        }
      }
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      log.atDebug().setCause(e).log("the host name that a client asked for cannot be read");
    }
    return null;
  }
}
