package io.meshward.runtime;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;

/** Ends a TLS handshake because of the peer's chain; carries why to the handshake's event. */
final class SvidRejectedException extends CertificateException {
  private static final long serialVersionUID = 1L;

  private final transient Verdict.Rejected rejection;
  private final transient List<X509Certificate> chain;

  SvidRejectedException(Verdict.Rejected rejection, List<X509Certificate> chain) {
    super(rejection.reason().code() + ": " + rejection.words());
    this.rejection = rejection;
    this.chain = chain;
  }

  Verdict.Rejected rejection() {
    return rejection;
  }

  List<X509Certificate> chain() {
    return chain;
  }
}
