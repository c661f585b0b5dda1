package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A bundle endpoint that answers as a test says, honest or not. */
final class FakeBundleEndpoint implements AutoCloseable {
  private static final char[] PASSWORD = "test".toCharArray();

  /** What a path is answered with. */
  private record Answer(int status, String location, String body, boolean unfinished) {}

  private final HttpsServer server;
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<String> asked = new ArrayList<>();

  private FakeBundleEndpoint(SSLContext tls) {
    try {
      server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.setExecutor(workers);
    server.createContext("/", this::serve);
    server.start();
  }

  /** An endpoint that shows an SVID. */
  static FakeBundleEndpoint showing(IssuedSvid svid) {
    try {
      SSLContext tls = SSLContext.getInstance("TLS");
      tls.init(new KeyManager[] {Attacker.keyManager(svid)}, null, null);
      return new FakeBundleEndpoint(tls);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An endpoint that shows a certificate of the web. */
  static FakeBundleEndpoint showing(WebCertificate certificate) {
    return new FakeBundleEndpoint(certificate.server());
  }

  URI url(String path) {
    return URI.create("https://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  void answer(String path, String body) {
    answers.put(path, new Answer(200, "", body, false));
  }

  void answer(String path, int status) {
    answers.put(path, new Answer(status, "", "", false));
  }

  void redirect(String path, String location) {
    answers.put(path, new Answer(302, location, "", false));
  }

  /** Begins an answer and never ends it. */
  void hang(String path) {
    answers.put(path, new Answer(200, "", "{", true));
  }

  synchronized List<String> asked() {
    return List.copyOf(asked);
  }

  private void serve(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    synchronized (this) {
      asked.add(path);
    }
    Answer answer = answers.getOrDefault(path, new Answer(404, "", "", false));
    if (!answer.location().isEmpty()) {
      exchange.getResponseHeaders().set("location", answer.location());
    }
    byte[] body = answer.body().getBytes(UTF_8);
    exchange.sendResponseHeaders(
        answer.status(), answer.unfinished() ? 0 : body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.getResponseBody().flush();
    if (!answer.unfinished()) {
      exchange.close();
    }
  }

  @Override
  public void close() {
    server.stop(0);
    workers.shutdownNow();
  }

  /** A certificate and its key as files. */
  record Pem(Path certificate, Path privateKey) {}

  /** A self-signed certificate for an address, as a public authority would give it. */
  record WebCertificate(KeyPair keys, X509Certificate certificate) {

    static WebCertificate of(String address) {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(256);
        KeyPair keys = generator.generateKeyPair();
        X500Name name = new X500Name("CN=" + address);
        Instant now = Instant.now();
        JcaX509v3CertificateBuilder builder =
            new JcaX509v3CertificateBuilder(
                name,
                BigInteger.ONE,
                Date.from(now.minusSeconds(60)),
                Date.from(now.plusSeconds(3600)),
                name,
                keys.getPublic());
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName(GeneralName.iPAddress, address)));
        return new WebCertificate(
            keys,
            new JcaX509CertificateConverter()
                .getCertificate(
                    builder.build(
                        new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))));
      } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    SSLContext server() {
      try {
        KeyStore store = empty();
        store.setKeyEntry("key", keys.getPrivate(), PASSWORD, new X509Certificate[] {certificate});
        KeyManagerFactory factory =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, PASSWORD);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(factory.getKeyManagers(), null, null);
        return tls;
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** A client that trusts this certificate, and hosts by their names. */
    SSLContext client() {
      try {
        KeyStore store = empty();
        store.setCertificateEntry("root", certificate);
        TrustManagerFactory factory =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, factory.getTrustManagers(), null);
        return tls;
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Writes the certificate and its key as PEM files into a folder. */
    Pem write(Path folder) {
      try {
        return new Pem(
            Files.writeString(
                folder.resolve("web.pem"), pem("CERTIFICATE", certificate.getEncoded())),
            Files.writeString(
                folder.resolve("web.key"), pem("PRIVATE KEY", keys.getPrivate().getEncoded())));
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException(e);
      }
    }

    private static String pem(String label, byte[] der) {
      return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
          .formatted(label, Base64.getMimeEncoder().encodeToString(der), label);
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      return store;
    }
  }
}
