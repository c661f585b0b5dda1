package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.security.GeneralSecurityException;
import java.util.function.Predicate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;

/**
 * TLS of the JDK with this workload's SVID. Each engine has a context of its own, so that no
 * session is ever resumed: a resumed one would show no certificate to be judged (RFC 8446 2.2).
 * Thread-safe.
 */
final class SvidEngines {
  private static final String[] TLS_1_3 = {"TLSv1.3"};

  private final OwnIdentity own;
  private final Admission admission;
  private final FullHandshakes fullHandshakes;
  private final ServerStaples staples;

  SvidEngines(
      OwnIdentity own, Admission admission, FullHandshakes fullHandshakes, ServerStaples staples) {
    this.own = own;
    this.admission = admission;
    this.fullHandshakes = fullHandshakes;
    this.staples = staples;
  }

  /** An engine that demands a certificate, and takes that of any workload with a valid SVID. */
  SSLEngine server(String peerAddress, int peerPort) {
    SSLEngine engine = context(anyone -> true).createSSLEngine(peerAddress, peerPort);
    engine.setUseClientMode(false);
    engine.setSSLParameters(server(engine.getSSLParameters()));
    return engine;
  }

  /** An engine for one dialled connection, to a server that is expected. */
  SSLEngine client(String peerAddress, int peerPort, Predicate<SpiffeId> expected) {
    SSLEngine engine = context(expected).createSSLEngine(peerAddress, peerPort);
    engine.setUseClientMode(true);
    engine.setSSLParameters(client(engine.getSSLParameters()));
    return engine;
  }

  SSLContext context(Predicate<SpiffeId> expected) {
    return context(
        TLS_1_3[0],
        new TrustManager[] {new SvidTrustManager(admission, fullHandshakes, expected, staples)});
  }

  /** For servers that show the SVID and ask nobody for one. */
  SSLContext contextWithoutClients() {
    return context("TLS", new TrustManager[0]);
  }

  private SSLContext context(String protocol, TrustManager[] trust) {
    try {
      SSLContext context = SSLContext.getInstance(protocol);
      context.init(new KeyManager[] {new SvidKeyManager(own)}, trust, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new MeshRuntimeException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  static SSLParameters server(SSLParameters parameters) {
    parameters.setProtocols(TLS_1_3);
    parameters.setNeedClientAuth(true);
    return parameters;
  }

  static SSLParameters client(SSLParameters parameters) {
    parameters.setProtocols(TLS_1_3);
    return parameters;
  }
}
