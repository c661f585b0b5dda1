package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

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

  /**
   * Removes every claim, and says which keys made one that TLS does not confirm: all but those
   * whose only values are the peer's own ID.
   */
  static List<String> strip(Metadata headers, @Nullable SpiffeId peer) {
    List<String> claims = List.of();
    for (String key : headers.keys()) {
      if (!claimsIdentity(key)) {
        continue;
      }
      if (!isConfirmed(headers, key, peer)) {
        claims = claims.isEmpty() ? new ArrayList<>() : claims;
        claims.add(key);
      }
      if (key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        headers.discardAll(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER));
      } else {
        headers.discardAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
      }
    }
    return claims;
  }

  private static boolean isConfirmed(Metadata headers, String key, @Nullable SpiffeId peer) {
    if (peer == null || key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
      return false;
    }
    Iterable<String> values =
        headers.getAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
    if (values != null) {
      for (String value : values) {
        if (!value.equals(peer.toString())) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean claimsIdentity(String key) {
    String lower = key.toLowerCase(Locale.ROOT);
    if (KEYS.contains(lower)) {
      return true;
    }
    for (int i = 0; i < PREFIXES.size(); i++) {
      if (lower.startsWith(PREFIXES.get(i))) {
        return true;
      }
    }
    return false;
  }
}
