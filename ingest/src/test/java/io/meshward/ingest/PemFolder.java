package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;

/** Key material as files, and clients that show theirs. */
final class PemFolder {
  private final Path folder;

  PemFolder(Path folder) {
    this.folder = folder;
  }

  Path certificate() {
    return folder.resolve("tls.crt");
  }

  Path key() {
    return folder.resolve("tls.key");
  }

  Path authorities() {
    return folder.resolve("ca.crt");
  }

  void write(IssuedSvid server, TestTrustDomain clients) throws Exception {
    Files.writeString(key(), pem("PRIVATE KEY", server.privateKey().getEncoded()));
    Files.writeString(certificate(), certificates(server.certificates()));
    Files.writeString(authorities(), certificates(clients.x509Authorities()));
  }

  private static String certificates(List<X509Certificate> certificates)
      throws CertificateEncodingException {
    StringBuilder pem = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      pem.append(pem("CERTIFICATE", certificate.getEncoded()));
    }
    return pem.toString();
  }

  private static String pem(String label, byte[] bytes) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(
            label, Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(bytes), label);
  }
}
