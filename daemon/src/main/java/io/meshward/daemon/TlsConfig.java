package io.meshward.daemon;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * TLS 1.2 and 1.3 from PEM files. The files are read again when they change.
 *
 * @param certificate the chain, leaf first
 * @param key its private key in PKCS #8
 * @param clientCa the authorities whose client certificates are accepted; without it clients are
 *     not asked for one
 */
public record TlsConfig(Path certificate, Path key, @Nullable Path clientCa) {}
