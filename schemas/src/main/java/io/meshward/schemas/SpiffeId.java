package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;

/**
 * A SPIFFE ID of a workload: a trust domain and a path (SPIFFE-ID 2).
 *
 * <p>The path is empty (the ID of a trust domain itself, as signing certificates carry it) or
 * starts with {@code /} and has segments of {@code [a-zA-Z0-9.-_]} that are neither empty nor
 * {@code .} nor {@code ..}. Paths are case-sensitive. At most 2048 bytes in all. Parsing looks at
 * ASCII characters only and never folds anything outside {@code [A-Z]}, so that no locale and no
 * Unicode case rule can turn one name into another. Immutable.
 */
public record SpiffeId(TrustDomain trustDomain, String path) implements Comparable<SpiffeId> {
  static final String SCHEME = "spiffe://";
  static final int MAX_BYTES = 2048;

  /**
   * @throws InvalidSpiffeIdException if the path breaks a rule of SPIFFE-ID 2.2 or the whole is too
   *     long
   */
  public SpiffeId {
    checkPath(path, SCHEME + trustDomain.name() + path);
    if (SCHEME.length() + trustDomain.name().length() + path.length() > MAX_BYTES) {
      throw new InvalidSpiffeIdException(
          SCHEME + trustDomain.name() + path, "it is longer than " + MAX_BYTES + " bytes");
    }
  }

  /**
   * Reads {@code spiffe://trust-domain/path}. Scheme and trust domain may be in ASCII upper case
   * (SPIFFE-ID 2.4).
   *
   * @throws InvalidSpiffeIdException naming the text and the rule it breaks
   */
  @JsonCreator
  public static SpiffeId parse(String text) {
    if (text.length() > MAX_BYTES) {
      throw new InvalidSpiffeIdException(
          text.substring(0, 64) + "…", "it is longer than " + MAX_BYTES + " bytes");
    }
    if (!hasScheme(text)) {
      throw new InvalidSpiffeIdException(text, "it does not start with " + SCHEME);
    }
    int slash = text.indexOf('/', SCHEME.length());
    String domain =
        slash < 0 ? text.substring(SCHEME.length()) : text.substring(SCHEME.length(), slash);
    String path = slash < 0 ? "" : text.substring(slash);
    return new SpiffeId(new TrustDomain(TrustDomain.canonical(domain, text)), path);
  }

  /** Whether this is an ID of a workload, which has a path, and not of the trust domain itself. */
  public boolean hasPath() {
    return !path.isEmpty();
  }

  /** The path's segments, in order; empty if there is no path. */
  public List<String> segments() {
    return path.isEmpty() ? List.of() : List.of(path.substring(1).split("/", -1));
  }

  /**
   * Whether this ID's path is {@code prefix} or lies below it, judged by whole segments: {@code
   * /ns/pay} holds {@code /ns/pay/sa/a} and not {@code /ns/payroll}.
   */
  public boolean isWithin(String prefix) {
    return path.startsWith(prefix)
        && (path.length() == prefix.length() || path.charAt(prefix.length()) == '/');
  }

  static boolean hasScheme(String text) {
    if (text.length() < SCHEME.length()) {
      return false;
    }
    for (int i = 0; i < SCHEME.length(); i++) {
      char c = text.charAt(i);
      char folded = c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
      if (folded != SCHEME.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Checks an empty path or one of whole segments.
   *
   * @throws InvalidSpiffeIdException naming {@code whole} and the rule the path breaks
   */
  static void checkPath(String path, String whole) {
    if (path.isEmpty()) {
      return;
    }
    if (path.charAt(0) != '/') {
      throw new InvalidSpiffeIdException(whole, "the path does not start with /");
    }
    int start = 1;
    for (int i = 1; i <= path.length(); i++) {
      if (i == path.length() || path.charAt(i) == '/') {
        checkSegment(path, start, i, whole);
        start = i + 1;
      } else if (!isPathCharacter(path.charAt(i))) {
        throw new InvalidSpiffeIdException(
            whole, "the path has a character outside [a-zA-Z0-9.-_] at position " + i);
      }
    }
  }

  private static void checkSegment(String path, int start, int end, String whole) {
    int length = end - start;
    if (length == 0) {
      throw new InvalidSpiffeIdException(whole, "the path has an empty segment or a trailing /");
    }
    boolean dots =
        path.charAt(start) == '.'
            && (length == 1 || (length == 2 && path.charAt(start + 1) == '.'));
    if (dots) {
      throw new InvalidSpiffeIdException(whole, "the path has a segment . or ..");
    }
  }

  private static boolean isPathCharacter(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '.'
        || c == '-'
        || c == '_';
  }

  @Override
  public int compareTo(SpiffeId other) {
    int byDomain = trustDomain.compareTo(other.trustDomain);
    return byDomain != 0 ? byDomain : path.compareTo(other.path);
  }

  @JsonValue
  @Override
  public String toString() {
    return SCHEME + trustDomain.name() + path;
  }
}
