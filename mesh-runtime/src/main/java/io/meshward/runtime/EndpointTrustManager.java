package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Judges the server of a bundle endpoint by its SPIFFE ID, in place of its host name (SPIFFE
 * Federation 5.2.2). Thread-safe.
 */
final class EndpointTrustManager extends X509ExtendedTrustManager {
  private final SpiffeId expected;
  private final Map<TrustDomain, TrustBundle> bundles;
  private final Clock clock;

  EndpointTrustManager(SpiffeId expected, Map<TrustDomain, TrustBundle> bundles, Clock clock) {
    this.expected = expected;
    this.bundles = bundles;
    this.clock = clock;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] presented, String authType, SSLEngine engine)
      throws CertificateException {
    check(presented);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] presented, String authType, Socket socket)
      throws CertificateException {
    check(presented);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] presented, String authType)
      throws CertificateException {
    check(presented);
  }

  private void check(X509Certificate[] presented) throws CertificateException {
    List<X509Certificate> chain = Certificates.reread(presented);
    switch (X509SvidVerifier.verify(chain, bundles, clock.instant(), any -> false)) {
      case Verdict.Rejected rejected -> throw new SvidRejectedException(rejected, chain);
      case Verdict.Accepted accepted -> {
        if (!accepted.id().equals(expected)) {
          throw new SvidRejectedException(
              new Verdict.Rejected(
                  RejectionReason.UNEXPECTED_PEER_ID,
                  accepted.id().toString(),
                  0,
                  accepted.id() + " serves the bundle: expected " + expected),
              chain);
        }
      }
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    throw noServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw noServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw noServer();
  }

  private static CertificateException noServer() {
    return new CertificateException("this side fetches bundles and serves nobody");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
