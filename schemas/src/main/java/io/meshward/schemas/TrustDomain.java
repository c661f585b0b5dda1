package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The name of a SPIFFE trust domain, stored in its canonical lower case (SPIFFE-ID 2.1).
 *
 * <p>At most 255 bytes of {@code [a-z0-9.-_]}; ASCII upper case is accepted on input and folded
 * (SPIFFE-ID 2.4), everything else, userinfo, port and percent-encoding included, is refused. A
 * name that looks like an IP address has no special meaning. Immutable.
 */
public record TrustDomain(String name) implements Comparable<TrustDomain> {
  static final int MAX_BYTES = 255;

  /**
   * @throws InvalidSpiffeIdException if the name is not a canonical trust domain name
   */
  public TrustDomain {
    if (!name.equals(canonical(name, name))) {
      throw new InvalidSpiffeIdException(name, "the trust domain is not in lower case");
    }
  }

  /**
   * Reads a trust domain name, or the trust domain of a {@code spiffe://} URI without a path.
   *
   * @throws InvalidSpiffeIdException naming the text and the rule it breaks
   */
  @JsonCreator
  public static TrustDomain parse(String text) {
    String name = SpiffeId.hasScheme(text) ? text.substring(SpiffeId.SCHEME.length()) : text;
    return new TrustDomain(canonical(name, text));
  }

  /** The SPIFFE ID in this trust domain with a path of {@code /}-separated segments. */
  public SpiffeId id(String path) {
    return new SpiffeId(this, path);
  }

  static String canonical(String name, String whole) {
    if (name.isEmpty()) {
      throw new InvalidSpiffeIdException(whole, "the trust domain is empty");
    }
    if (name.length() > MAX_BYTES) {
      throw new InvalidSpiffeIdException(
          whole, "the trust domain is longer than " + MAX_BYTES + " bytes");
    }
    char[] folded = null;
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        if (folded == null) {
          folded = name.toCharArray();
        }
        folded[i] = (char) (c + ('a' - 'A'));
      } else if (!isNameCharacter(c)) {
        throw new InvalidSpiffeIdException(
            whole, "the trust domain has a character outside [a-z0-9.-_] at position " + i);
      }
    }
    return folded == null ? name : new String(folded);
  }

  private static boolean isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  }

  @Override
  public int compareTo(TrustDomain other) {
    return name.compareTo(other.name);
  }

  @JsonValue
  @Override
  public String toString() {
    return name;
  }
}
