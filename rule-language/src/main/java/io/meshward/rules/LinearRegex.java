package io.meshward.rules;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;

/**
 * A regular expression that must match the whole text, in time linear in it. Immutable.
 *
 * <p>Falco reads POSIX syntax: its dialect refuses {@code \d}, lazy quantifiers and flags.
 */
final class LinearRegex {

  private static final String PERL_ESCAPES = "dDwWsSbBAzCQEpP";

  private final Pattern pattern;

  private LinearRegex(Pattern pattern) {
    this.pattern = pattern;
  }

  static LinearRegex compile(String text, Dialect dialect) {
    if (dialect == Dialect.FALCO) {
      refusePerlSyntax(text);
    }
    if (RegexSize.of(text) > RegexSize.MAX) {
      throw new IllegalArgumentException(
          "invalid regex pattern '"
              + text
              + "': larger than "
              + RegexSize.MAX
              + " with repetitions");
    }
    try {
      return new LinearRegex(Pattern.compile(text));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "invalid regex pattern '" + text + "': " + e.getDescription(), e);
    }
  }

  boolean matches(String text) {
    return pattern.matches(text);
  }

  private static void refusePerlSyntax(String text) {
    boolean bracket = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      char next = i + 1 < text.length() ? text.charAt(i + 1) : ' ';
      if (c == '\\') {
        if (PERL_ESCAPES.indexOf(next) >= 0) {
          throw perl(text, "\\" + next);
        }
        i++;
      } else if (bracket) {
        bracket = c != ']';
      } else if (c == '[') {
        bracket = true;
        i += next == '^' ? 1 : 0;
        i += i + 1 < text.length() && text.charAt(i + 1) == ']' ? 1 : 0;
      } else if (c == '(' && next == '?') {
        throw perl(text, "(?");
      } else if ("*+?}".indexOf(c) >= 0 && next == '?') {
        throw perl(text, c + "?");
      }
    }
  }

  private static IllegalArgumentException perl(String text, String syntax) {
    return new IllegalArgumentException(
        "invalid regex pattern '" + text + "': '" + syntax + "' is not POSIX syntax");
  }
}
