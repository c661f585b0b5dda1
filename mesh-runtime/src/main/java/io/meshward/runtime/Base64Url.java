package io.meshward.runtime;

import java.util.Base64;

/**
 * Base64url as JOSE has it: no padding, no blanks, and one spelling for each content (RFC 7515 2).
 */
final class Base64Url {
  private Base64Url() {}

  /**
   * Reads a part of a token or of a key.
   *
   * @throws IllegalArgumentException if there is any other way to write the same bytes
   */
  static byte[] decode(String text) {
    byte[] bytes = Base64.getUrlDecoder().decode(text);
    // The JDK's decoder takes padding, and bits at the end that mean nothing.
    if (!encode(bytes).equals(text)) {
      throw new IllegalArgumentException("not the canonical base64url of its bytes");
    }
    return bytes;
  }

  static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
