package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Shell patterns as libc's {@code fnmatch} without flags: {@code *} and {@code ?} match slashes and
 * leading dots too. Time is at most proportional to the lengths of pattern and text. Immutable.
 */
final class Glob {

  /**
   * A piece of a pattern.
   *
   * @param star whether it matches any text; else it matches one code point
   */
  private record Token(boolean star, IntPredicate matcher) {

    boolean matches(int c) {
      return matcher.test(c);
    }
  }

  private final Token[] tokens;
  private final boolean foldCase;

  private Glob(List<Token> tokens, boolean foldCase) {
    this.tokens = tokens.toArray(Token[]::new);
    this.foldCase = foldCase;
  }

  static Glob compile(String pattern, boolean foldCase) {
    String text = foldCase ? AsciiCase.lower(pattern) : pattern;
    List<Token> tokens = new ArrayList<>();
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      switch (c) {
        case '*' -> {
          if (tokens.isEmpty() || !tokens.getLast().star()) {
            tokens.add(new Token(true, any -> true));
          }
        }
        case '?' -> tokens.add(new Token(false, any -> true));
        case '[' -> {
          GlobBracket bracket = GlobBracket.parse(text, i);
          if (bracket == null) {
            tokens.add(literal('['));
          } else {
            tokens.add(new Token(false, bracket.matcher()));
            next = bracket.end();
          }
        }
        case '\\' -> {
          if (next < text.length()) {
            int escaped = text.codePointAt(next);
            next += Character.charCount(escaped);
            tokens.add(literal(escaped));
          } else {
            tokens.add(literal('\\'));
          }
        }
        default -> tokens.add(literal(c));
      }
      i = next;
    }
    return new Glob(tokens, foldCase);
  }

  /** Whether a pattern has characters that make it more than a plain text. */
  static boolean isPattern(String text) {
    return text.chars().anyMatch(c -> c == '*' || c == '?' || c == '[');
  }

  boolean matches(String text) {
    int token = 0;
    int at = 0;
    int afterStar = -1;
    int retry = 0;
    while (at < text.length()) {
      int c = text.codePointAt(at);
      if (token < tokens.length && tokens[token].star()) {
        afterStar = ++token;
        retry = at;
      } else if (token < tokens.length
          && tokens[token].matches(foldCase ? AsciiCase.lower(c) : c)) {
        token++;
        at += Character.charCount(c);
      } else if (afterStar >= 0) {
        token = afterStar;
        retry += Character.charCount(text.codePointAt(retry));
        at = retry;
      } else {
        return false;
      }
    }
    while (token < tokens.length && tokens[token].star()) {
      token++;
    }
    return token == tokens.length;
  }

  private static Token literal(int expected) {
    return new Token(false, c -> c == expected);
  }
}
