package io.meshward.testkit;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;

/** Certificates as the Workload API carries them: DER, one after the other. */
final class Der {

  private Der() {}

  static byte[] concatenate(List<byte[]> certificates) {
    var all = new ByteArrayOutputStream();
    certificates.forEach(all::writeBytes);
    return all.toByteArray();
  }

  static List<X509Certificate> certificates(byte[] concatenated) {
    try {
      return CertificateFactory.getInstance("X.509")
          .generateCertificates(new ByteArrayInputStream(concatenated))
          .stream()
          .map(X509Certificate.class::cast)
          .toList();
    } catch (CertificateException e) {
      throw new IllegalStateException("Java cannot parse these certificates", e);
    }
  }
}
