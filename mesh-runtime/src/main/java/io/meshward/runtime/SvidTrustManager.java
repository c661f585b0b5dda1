package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Judges the peer's chain within a full handshake. Being an extended trust manager it is wrapped by
 * no host name check: identities are SPIFFE IDs. Without an engine it refuses.
 */
final class SvidTrustManager extends X509ExtendedTrustManager {
  private final Admission admission;
  private final FullHandshakes fullHandshakes;
  private final @Nullable SpiffeId expected;

  /**
   * @param expected the only peer that will do; absent on servers
   */
  SvidTrustManager(
      Admission admission, FullHandshakes fullHandshakes, @Nullable SpiffeId expected) {
    this.admission = admission;
    this.fullHandshakes = fullHandshakes;
    this.expected = expected;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, engine);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, engine);
  }

  private void check(X509Certificate[] presented, SSLEngine engine) throws SvidRejectedException {
    fullHandshakes.add(engine);
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
    if (admission.judge(chain, null, expected, admission.trust().current())
        instanceof Verdict.Rejected rejected) {
      throw new SvidRejectedException(rejected, chain);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw unsupported();
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
    return new CertificateException("a peer is only judged within a handshake of an SSLEngine");
  }
}
