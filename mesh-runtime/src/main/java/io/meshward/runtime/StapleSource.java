package io.meshward.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;

/** Where a server gets the OCSP response that it staples to its own SVID. */
public interface StapleSource {

  /**
   * The response for a certificate, as DER of RFC 6960's OCSPResponse. Asked off the path of
   * handshakes, when the SVID is new and when half of the last response's time is over.
   *
   * @param leaf this workload's own
   * @param issuer who signed it
   * @throws IOException if there is none now; it is asked again
   */
  byte[] staple(X509Certificate leaf, X509Certificate issuer) throws IOException;

  /** Reads a file that somebody else writes, and replaces as a whole. */
  static StapleSource file(Path file) {
    return (leaf, issuer) -> {
      try (InputStream in = Files.newInputStream(file)) {
        return in.readNBytes(64 * 1024);
      }
    };
  }
}
