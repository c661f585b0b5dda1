package io.meshward.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The key material of a server, read again when its files change. What cannot be used keeps the
 * last good one. Used by one thread.
 */
final class TlsMaterial {
  private static final Logger log = LoggerFactory.getLogger(TlsMaterial.class);

  private final TlsConfig config;
  private final Metrics metrics;
  private final SslContextFactory.Server contextFactory = new SslContextFactory.Server();
  private String seen;

  TlsMaterial(TlsConfig config, Metrics metrics) {
    this.config = config;
    this.metrics = metrics;
    seen = state();
    configure(contextFactory);
    contextFactory.setIncludeProtocols("TLSv1.3", "TLSv1.2");
    // A client without a certificate gets an answer, which the routes decide about.
    contextFactory.setWantClientAuth(config.clientCa() != null);
    // Sensors authenticate themselves; their names are nobody's concern.
    contextFactory.setEndpointIdentificationAlgorithm(null);
  }

  SslContextFactory.Server contextFactory() {
    return contextFactory;
  }

  /** Takes the files as they are now, if they are not what was seen last. */
  void reloadIfChanged() {
    String now = state();
    if (now.equals(seen)) {
      return;
    }
    seen = now;
    try {
      contextFactory.reload(factory -> configure((SslContextFactory.Server) factory));
      metrics.increment(Metric.CONFIG_RELOADS, "tls", "applied");
      log.atInfo()
          .addKeyValue("certificate", config.certificate())
          .log("TLS key material reloaded");
    } catch (Exception e) {
      metrics.increment(Metric.CONFIG_RELOADS, "tls", "refused");
      log.atError().setCause(e).log("TLS key material cannot be reloaded; the last good one stays");
    }
  }

  private void configure(SslContextFactory.Server factory) {
    // Guards nothing: the store never leaves this process.
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    String password = HexFormat.of().formatHex(random);
    factory.setKeyStore(
        PemFiles.keyStore(config.certificate(), config.key(), password.toCharArray()));
    factory.setKeyStorePassword(password);
    Path clientCa = config.clientCa();
    if (clientCa != null) {
      factory.setTrustStore(PemFiles.trustStore(clientCa));
    }
  }

  private String state() {
    return Stream.of(config.certificate(), config.key(), config.clientCa())
        .filter(Objects::nonNull)
        .map(TlsMaterial::state)
        .collect(Collectors.joining(" "));
  }

  private static String state(Path file) {
    try {
      return Files.getLastModifiedTime(file) + "/" + Files.size(file);
    } catch (IOException e) {
      return "unreadable";
    }
  }
}
