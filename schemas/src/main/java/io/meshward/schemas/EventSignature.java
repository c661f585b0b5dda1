package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The protected header of an event's signature, which is a JSON Web Signature with detached content
 * (RFC 7515, appendix F) in the CloudEvents attribute {@code signature}: {@code
 * BASE64URL(header)..BASE64URL(signature)}. What is signed is {@link #content}, by the key of the
 * reporter's X.509-SVID.
 *
 * @param alg the algorithm: RS256, ES256, ES384 or ES512
 * @param typ always {@code meshward-event+jws}
 * @param iat when it was signed, in seconds since 1970
 * @param x5c the reporter's certificate, then its intermediates: base64 of their DER (RFC 7515
 *     4.1.6)
 */
public record EventSignature(String alg, String typ, long iat, List<String> x5c) {
  /** What such a signature calls itself, so that it is taken for nothing else. */
  public static final String TYPE = "meshward-event+jws";

  public EventSignature {
    x5c = List.copyOf(x5c);
    Require.text(alg, "alg");
    Require.notNegative(iat, "iat");
  }

  /**
   * What is signed: in ASCII, the hexadecimal digits of the SHA-256 of CloudEvents {@code type},
   * {@code id}, {@code source}, {@code time} and {@code subject}, as their headers have them, and
   * the record's value, each preceded by its length in four bytes, big-endian; the length of an
   * absent subject is -1.
   */
  public static byte[] content(
      String type, String id, String source, String time, @Nullable String subject, byte[] value) {
    return new ContentHash()
        .add(type)
        .add(id)
        .add(source)
        .add(time)
        .add(subject)
        .add(value)
        .hex()
        .getBytes(US_ASCII);
  }
}
