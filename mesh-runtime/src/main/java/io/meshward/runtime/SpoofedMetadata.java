package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.InternalMetadata;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Metadata by which callers of other meshes claim an identity. Ours comes from TLS only, so these
 * are taken away before a service could believe them.
 */
final class SpoofedMetadata {
  private static final List<byte[]> KEYS =
      ascii("x-forwarded-client-cert", "l5d-client-id", "x-ssl-client-verify");
  private static final List<byte[]> PREFIXES =
      ascii("x-spiffe-", "spiffe-", "x-meshward-", "x-ssl-client-", "x-client-cert");

  private SpoofedMetadata() {}

  private static List<byte[]> ascii(String... texts) {
    return Arrays.stream(texts).map(text -> text.getBytes(US_ASCII)).toList();
  }

  /**
   * Removes every claim, and says which keys made one that TLS does not confirm: all but those
   * whose only values are the peer's own ID.
   */
  static List<String> strip(Metadata headers, @Nullable SpiffeId peer) {
    // Names as they are: Metadata.keys() would make a text of each, for each call.
    byte[][] namesAndValues = InternalMetadata.serialize(headers);
    Set<String> found = Set.of();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      if (claimsIdentity(namesAndValues[i])) {
        found = found.isEmpty() ? new LinkedHashSet<>() : found;
        found.add(new String(namesAndValues[i], US_ASCII));
      }
    }
    return found.isEmpty() ? List.of() : remove(found, headers, peer);
  }

  private static List<String> remove(Set<String> keys, Metadata headers, @Nullable SpiffeId peer) {
    List<String> claims = new ArrayList<>();
    for (String key : keys) {
      if (!isConfirmed(headers, key, peer)) {
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

  /** Keys are in lower case: HTTP/2 has no others (RFC 9113 8.2.1). */
  private static boolean claimsIdentity(byte[] key) {
    for (int i = 0; i < KEYS.size(); i++) {
      if (Arrays.equals(KEYS.get(i), key)) {
        return true;
      }
    }
    for (int i = 0; i < PREFIXES.size(); i++) {
      byte[] prefix = PREFIXES.get(i);
      if (key.length >= prefix.length
          && Arrays.equals(prefix, 0, prefix.length, key, 0, prefix.length)) {
        return true;
      }
    }
    return false;
  }
}
