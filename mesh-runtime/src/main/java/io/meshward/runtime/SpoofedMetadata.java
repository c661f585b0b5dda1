package io.meshward.runtime;

import io.grpc.Metadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Metadata by which callers of other meshes claim an identity. Ours comes from TLS only, so these
 * are taken away before a service could believe them.
 */
final class SpoofedMetadata {
  private static final List<String> KEYS =
      List.of("x-forwarded-client-cert", "l5d-client-id", "x-ssl-client-verify");
  private static final List<String> PREFIXES =
      List.of("x-spiffe-", "spiffe-", "x-meshward-", "x-ssl-client-", "x-client-cert");

  private SpoofedMetadata() {}

  /** Removes every claim, and says which keys made one. */
  static List<String> strip(Metadata headers) {
    List<String> claims = new ArrayList<>();
    for (String key : headers.keys()) {
      if (claimsIdentity(key)) {
        claims.add(key);
      }
    }
    for (String key : claims) {
      if (key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        headers.discardAll(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER));
      } else {
        headers.discardAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
      }
    }
    return claims;
  }

  private static boolean claimsIdentity(String key) {
    String lower = key.toLowerCase(Locale.ROOT);
    return KEYS.contains(lower) || PREFIXES.stream().anyMatch(lower::startsWith);
  }
}
