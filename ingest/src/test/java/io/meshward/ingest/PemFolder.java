package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

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

  /** A client's context: shows this certificate if there is one, and takes any server. */
  static SSLContext client(@Nullable IssuedSvid svid) throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    KeyManager[] keys = svid == null ? new KeyManager[0] : new KeyManager[] {new Shown(svid)};
    context.init(keys, new TrustManager[] {new AnyServer()}, new SecureRandom());
    return context;
  }

  /** Shows its certificate whoever the server says it trusts. */
  private static final class Shown extends X509ExtendedKeyManager {
    private static final String ALIAS = "svid";

    private final IssuedSvid svid;

    Shown(IssuedSvid svid) {
      this.svid = svid;
    }

    @Override
    public String[] getClientAliases(String type, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String chooseClientAlias(
        String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return ALIAS;
    }

    @Override
    public String chooseEngineClientAlias(
        String[] types, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return ALIAS;
    }

    @Override
    public String[] getServerAliases(String type, Principal @Nullable [] issuers) {
      throw new UnsupportedOperationException("a client only");
    }

    @Override
    public String chooseServerAlias(
        String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
      throw new UnsupportedOperationException("a client only");
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return svid.certificates().toArray(X509Certificate[]::new);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return svid.privateKey();
    }
  }

  /** These tests are about what the server takes. */
  private static final class AnyServer extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
