package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.google.protobuf.ByteString;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An SVID in mounted files, as cert-manager's CSI driver for SPIFFE writes them: looks at their
 * content once a second, since a mount swaps whole folders that no file watcher follows. Files that
 * do not fit together, as in the middle of a swap, are reported and read again; what was read
 * before stays until it expires. One thread.
 */
final class FileSource implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(FileSource.class);
  private static final long LOOK_EVERY_MS = 1_000;
  private static final int MAX_BYTES = 1024 * 1024;
  private static final Pattern PEM =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

  /**
   * The files.
   *
   * @param certificates the leaf and its intermediates, PEM
   * @param privateKey PKCS #8, PEM
   * @param bundle the authorities of the SVID's trust domain, PEM; or a SPIFFE bundle map, JSON,
   *     for several trust domains
   */
  record Paths(Path certificates, Path privateKey, Path bundle) {}

  /** What the files held. */
  private record Content(ByteString certificates, ByteString privateKey, ByteString bundle) {}

  private final Paths paths;
  private final Clock clock;
  private final AtomicLong looks = new AtomicLong();
  private final CountDownLatch closing = new CountDownLatch(1);
  private @Nullable Content seen;
  private @Nullable String problem;
  private long generation;

  FileSource(Paths paths, Clock clock) {
    this.paths = paths;
    this.clock = clock;
  }

  @Override
  public void watch(Consumer<IdentityUpdate> listener) {
    Thread unused =
        Thread.ofPlatform().daemon().name("meshward-files").start(() -> keepLooking(listener));
  }

  private void keepLooking(Consumer<IdentityUpdate> listener) {
    try {
      do {
        look(listener);
      } while (!closing.await(LOOK_EVERY_MS, MILLISECONDS));
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void look(Consumer<IdentityUpdate> listener) {
    looks.incrementAndGet();
    try {
      Content content =
          new Content(read(paths.certificates()), read(paths.privateKey()), read(paths.bundle()));
      Content before = seen;
      if (before != null && problem == null && content.equals(before)) {
        return;
      }
      listener.accept(new IdentityUpdate.Issued(identity(content)));
      seen = content;
      problem = null;
    } catch (IOException | BadResponseException e) {
      fail(listener, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      fail(listener, e.toString());
    }
  }

  /** Tells each problem once. */
  private void fail(Consumer<IdentityUpdate> listener, String words) {
    if (!words.equals(problem)) {
      problem = words;
      log.atWarn().addKeyValue("reason", words).log("no new SVID can be read from files");
      listener.accept(new IdentityUpdate.Failed(words, true));
    }
  }

  private WorkloadIdentity identity(Content content) throws BadResponseException {
    List<X509Certificate> chain =
        certificates(content.certificates().toByteArray(), paths.certificates());
    SpiffeId id = id(chain.get(0));
    PrivateKey key =
        PossessedKey.read(
            privateKey(content.privateKey().toByteArray()),
            chain.get(0).getPublicKey(),
            "the SVID in " + paths.certificates());
    Map<TrustDomain, TrustBundle> bundles =
        bundles(content.bundle().toByteArray(), id.trustDomain());
    return switch (X509SvidVerifier.verify(chain, bundles, clock.instant(), own -> true)) {
      case Verdict.Accepted accepted ->
          new WorkloadIdentity(new X509Svid(id, chain, key, null), bundles, ++generation);
      case Verdict.Rejected rejected ->
          throw new BadResponseException(
              paths.certificates()
                  + " is refused under "
                  + paths.bundle()
                  + ": "
                  + rejected.reason().code()
                  + ", "
                  + rejected.words());
    };
  }

  private SpiffeId id(X509Certificate leaf) throws BadResponseException {
    try {
      List<String> names = Certificates.uriNames(leaf);
      if (names.size() != 1) {
        throw new BadResponseException(
            paths.certificates() + " has " + names.size() + " URI names: expected one SPIFFE ID");
      }
      return SpiffeId.parse(names.get(0));
    } catch (CertificateException | InvalidSpiffeIdException e) {
      throw new BadResponseException(paths.certificates() + ": " + e.getMessage());
    }
  }

  private Map<TrustDomain, TrustBundle> bundles(byte[] content, TrustDomain own)
      throws BadResponseException {
    if (content.length > 0 && content[0] == '{') {
      try {
        Map<TrustDomain, TrustBundle> bundles = new HashMap<>();
        SpiffeBundle.parseMap(content)
            .forEach((trustDomain, bundle) -> bundles.put(trustDomain, bundle.x509()));
        return bundles;
      } catch (MalformedBundleException e) {
        throw new BadResponseException(paths.bundle() + ": " + e.getMessage());
      }
    }
    return Map.of(own, new TrustBundle(own, certificates(content, paths.bundle())));
  }

  private static List<X509Certificate> certificates(byte[] pem, Path file)
      throws BadResponseException {
    try {
      return Certificates.parsePem(pem);
    } catch (CertificateException e) {
      throw new BadResponseException(file + " has no PEM certificates: " + e.getMessage());
    }
  }

  /** The content of the first PEM block; other formats than PKCS #8 are named in the message. */
  private byte[] privateKey(byte[] pem) throws BadResponseException {
    Matcher block = PEM.matcher(new String(pem, US_ASCII));
    if (!block.find()) {
      throw new BadResponseException(paths.privateKey() + " has no PEM block");
    }
    if (!block.group(1).equals("PRIVATE KEY")) {
      throw new BadResponseException(
          paths.privateKey()
              + " has a block '"
              + block.group(1)
              + "': expected 'PRIVATE KEY' (PKCS #8; in cert-manager, privateKey.encoding: PKCS8)");
    }
    try {
      return Base64.getMimeDecoder().decode(block.group(2));
    } catch (IllegalArgumentException e) {
      throw new BadResponseException(paths.privateKey() + " is no base64 in its PEM block");
    }
  }

  private static ByteString read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(MAX_BYTES + 1);
      if (content.length > MAX_BYTES) {
        throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
      }
      return ByteString.copyFrom(content);
    } catch (NoSuchFileException e) {
      throw new IOException(file + " does not exist", e);
    }
  }

  /** It looks by itself, often enough. */
  @Override
  public void refresh() {}

  @Override
  public long opened() {
    return looks.get();
  }

  @Override
  public String whatToCheck() {
    return "that these files are mounted, that this process may read them and that their issuer"
        + " runs";
  }

  @Override
  public void close() {
    closing.countDown();
  }

  @Override
  public String toString() {
    return "the files " + paths.certificates() + ", " + paths.privateKey() + ", " + paths.bundle();
  }
}
