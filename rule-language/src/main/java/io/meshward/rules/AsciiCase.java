package io.meshward.rules;

/** Case folding of ASCII letters only, independent of any locale. */
final class AsciiCase {

  private AsciiCase() {}

  static String lower(String text) {
    return mapped(text, 'A', 'Z', 'a' - 'A');
  }

  static String upper(String text) {
    return mapped(text, 'a', 'z', 'A' - 'a');
  }

  static int lower(int c) {
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  }

  /** Whether {@code text} contains {@code lower}, which has no upper case letters. */
  static boolean containsLower(String text, String lower) {
    for (int start = 0; start <= text.length() - lower.length(); start++) {
      int i = 0;
      while (i < lower.length() && lower(text.charAt(start + i)) == lower.charAt(i)) {
        i++;
      }
      if (i == lower.length()) {
        return true;
      }
    }
    return false;
  }

  private static String mapped(String text, char from, char to, int offset) {
    StringBuilder mapped = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= from && c <= to) {
        if (mapped == null) {
          mapped = new StringBuilder(text);
        }
        mapped.setCharAt(i, (char) (c + offset));
      }
    }
    return mapped == null ? text : mapped.toString();
  }
}
