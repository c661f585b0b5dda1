package io.meshward.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The header {@code x-forwarded-client-cert} as Envoy writes it: an element for each proxy that a
 * call came through, the last one from the proxy next to us; in an element {@code key=value} pairs
 * with semicolons between them. A value with a comma, semicolon or equals sign in it is in double
 * quotes, where a backslash keeps the character after it. Immutable.
 *
 * @param elements each with its pairs in order
 */
record ForwardedClientCert(List<List<Pair>> elements) {

  /**
   * One pair.
   *
   * @param key in lower case: keys are not case-sensitive
   */
  record Pair(String key, String value) {}

  ForwardedClientCert {
    elements = List.copyOf(elements);
  }

  /**
   * Reads the header's value; several headers are one value with commas between them.
   *
   * @throws IllegalArgumentException saying where it is broken
   */
  static ForwardedClientCert parse(String text) {
    return new Reader(text).header();
  }

  /** The values that the last proxy's element has for a key. */
  List<String> last(String key) {
    return elements.get(elements.size() - 1).stream()
        .filter(pair -> pair.key().equals(key))
        .map(Pair::value)
        .toList();
  }

  private static final class Reader {
    private final String text;
    private int at;

    Reader(String text) {
      this.text = text;
    }

    ForwardedClientCert header() {
      List<List<Pair>> elements = new ArrayList<>();
      do {
        elements.add(element());
      } while (skip(','));
      if (at < text.length()) {
        throw broken("a comma, a semicolon or the end");
      }
      return new ForwardedClientCert(elements);
    }

    private List<Pair> element() {
      List<Pair> pairs = new ArrayList<>();
      do {
        pairs.add(pair());
      } while (skip(';'));
      return List.copyOf(pairs);
    }

    private Pair pair() {
      while (skip(' ')) {}
      int start = at;
      while (at < text.length() && isKey(text.charAt(at))) {
        at++;
      }
      String key = text.substring(start, at).toLowerCase(Locale.ROOT);
      if (key.isEmpty()) {
        throw broken("a key");
      }
      if (!skip('=')) {
        throw broken("'='");
      }
      return new Pair(key, skip('"') ? quoted() : plain());
    }

    private static boolean isKey(char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    private String quoted() {
      StringBuilder value = new StringBuilder();
      while (!skip('"')) {
        boolean unused = skip('\\');
        if (at == text.length()) {
          throw broken("'\"'");
        }
        value.append(text.charAt(at++));
      }
      return value.toString();
    }

    private String plain() {
      int start = at;
      while (at < text.length() && ",;\"".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at).stripTrailing();
    }

    private boolean skip(char expected) {
      if (at < text.length() && text.charAt(at) == expected) {
        at++;
        return true;
      }
      return false;
    }

    private IllegalArgumentException broken(String expected) {
      return new IllegalArgumentException("at character " + at + ": expected " + expected);
    }
  }
}
