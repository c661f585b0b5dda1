package io.meshward.runtime;

/**
 * A pattern of gRFC A43: {@code text}, {@code text*}, {@code *text}, or {@code *}, which stands for
 * any text that is not empty. Immutable; matching allocates nothing.
 */
sealed interface TextPattern {
  boolean matches(String text);

  /**
   * Whether it matches {@code first} followed by {@code rest}, without joining them: a method's
   * path is known without its slash.
   */
  boolean matches(char first, String rest);

  /**
   * Reads a pattern.
   *
   * @throws IllegalArgumentException if a {@code *} stands anywhere else
   */
  static TextPattern parse(String text) {
    if (text.equals("*")) {
      return new Present();
    }
    boolean leading = text.startsWith("*");
    boolean trailing = text.endsWith("*");
    String bare = text.substring(leading ? 1 : 0, text.length() - (trailing ? 1 : 0));
    if ((leading && trailing) || bare.contains("*")) {
      throw new IllegalArgumentException(
          "'" + text + "': expected at most one *, at the start or at the end");
    }
    return leading ? new Suffix(bare) : trailing ? new Prefix(bare) : new Exact(text);
  }

  /** The text itself. */
  record Exact(String expected) implements TextPattern {
    @Override
    public boolean matches(String text) {
      return text.equals(expected);
    }

    @Override
    public boolean matches(char first, String rest) {
      return expected.length() == rest.length() + 1
          && expected.charAt(0) == first
          && expected.endsWith(rest);
    }
  }

  /** What begins with a text. */
  record Prefix(String prefix) implements TextPattern {
    @Override
    public boolean matches(String text) {
      return text.startsWith(prefix);
    }

    @Override
    public boolean matches(char first, String rest) {
      return prefix.charAt(0) == first && rest.regionMatches(0, prefix, 1, prefix.length() - 1);
    }
  }

  /** What ends with a text. */
  record Suffix(String suffix) implements TextPattern {
    @Override
    public boolean matches(String text) {
      return text.endsWith(suffix);
    }

    @Override
    public boolean matches(char first, String rest) {
      return rest.endsWith(suffix)
          || (suffix.length() == rest.length() + 1
              && suffix.charAt(0) == first
              && suffix.endsWith(rest));
    }
  }

  /** Anything but nothing. */
  record Present() implements TextPattern {
    @Override
    public boolean matches(String text) {
      return !text.isEmpty();
    }

    @Override
    public boolean matches(char first, String rest) {
      return true;
    }
  }
}
