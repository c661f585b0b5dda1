package io.meshward.rules;

import java.util.Optional;

/**
 * Reads tokens of a condition at a cursor. What is a token depends on what the parser expects, so
 * each method tries one kind and leaves the cursor where it was if there is none. Not thread-safe.
 */
final class ConditionLexer {

  private static final String SPACES = " \t\n\r\f\u000b";

  private final SourceText source;
  private final String text;
  private int cursor;
  private int lastToken;

  ConditionLexer(SourceText source) {
    this.source = source;
    this.text = source.text();
  }

  /** Characters of an unquoted value. */
  static boolean isBareValue(int c) {
    return "()\"'=,".indexOf(c) < 0 && SPACES.indexOf(c) < 0;
  }

  /** Characters of an unquoted argument in brackets. */
  static boolean isBareArgument(int c) {
    return "][\"'".indexOf(c) < 0 && SPACES.indexOf(c) < 0;
  }

  /** Whether the whole text is one number token. */
  static boolean isNumber(String text) {
    ConditionLexer lexer = new ConditionLexer(SourceText.of(text));
    return lexer.number().isPresent() && lexer.atEnd();
  }

  /** Whether the whole text is one identifier: letters, digits and underscores, a letter first. */
  static boolean isIdentifier(String text) {
    return !text.isEmpty() && endOfIdentifier(text, 0) == text.length();
  }

  int cursor() {
    return cursor;
  }

  void reset(int to) {
    cursor = to;
  }

  boolean atEnd() {
    return cursor >= text.length();
  }

  Position position() {
    return new Position(source, cursor);
  }

  Position position(int index) {
    return new Position(source, index);
  }

  /** The token before the cursor, for messages. */
  String lastToken() {
    String token = text.substring(Math.min(lastToken, cursor), cursor).strip();
    return token.length() <= 40 ? token : token.substring(0, 40) + "…";
  }

  /** Skips blanks and tells whether there were any. */
  boolean blanks() {
    int start = cursor;
    while (!atEnd() && " \t\b\r\n".indexOf(text.charAt(cursor)) >= 0) {
      cursor++;
    }
    return cursor > start;
  }

  boolean accept(String symbol) {
    return text.startsWith(symbol, cursor) && advance(cursor + symbol.length());
  }

  /** Accepts a keyword only if blanks follow it, which it skips too. */
  boolean acceptWithBlank(String word) {
    int start = cursor;
    if (accept(word) && blanks()) {
      return true;
    }
    cursor = start;
    return false;
  }

  boolean at(String symbol) {
    return text.startsWith(symbol, cursor);
  }

  Optional<String> identifier() {
    return token(endOfIdentifier(text, cursor));
  }

  /** At least two identifiers joined by dots. */
  Optional<String> fieldName() {
    int end = endOfIdentifier(text, cursor);
    int parts = end > cursor ? 1 : 0;
    while (parts > 0 && end < text.length() && text.charAt(end) == '.') {
      int next = endOfIdentifier(text, end + 1);
      if (next == end + 1) {
        break;
      }
      end = next;
      parts++;
    }
    return parts > 1 ? token(end) : Optional.empty();
  }

  Optional<String> bareValue() {
    int end = cursor;
    while (end < text.length() && isBareValue(text.charAt(end))) {
      end++;
    }
    return token(end);
  }

  Optional<String> bareArgument() {
    int end = cursor;
    while (end < text.length() && isBareArgument(text.charAt(end))) {
      end++;
    }
    return token(end);
  }

  /** {@code 0x1F}, or a decimal with an optional sign, fraction and (signed) exponent. */
  Optional<String> number() {
    if ((at("0x") || at("0X")) && endOfDigits(cursor + 2, 16) > cursor + 2) {
      return token(endOfDigits(cursor + 2, 16));
    }
    int start = at("+") || at("-") ? cursor + 1 : cursor;
    int end = endOfDigits(start, 10);
    if (end == start) {
      return Optional.empty();
    }
    if (end < text.length() && text.charAt(end) == '.') {
      end = endOfDigits(end + 1, 10);
    }
    if (end + 1 < text.length()
        && "eE".indexOf(text.charAt(end)) >= 0
        && "+-".indexOf(text.charAt(end + 1)) >= 0) {
      int exponent = endOfDigits(end + 2, 10);
      end = exponent > end + 2 ? exponent : end;
    }
    return token(end);
  }

  /** A quoted string, decoded. An opening quote without a closing one is an error. */
  Optional<String> quoted() {
    if (!at("\"") && !at("'")) {
      return Optional.empty();
    }
    int start = cursor;
    char quote = text.charAt(start);
    int end = start + 1;
    while (end < text.length() && text.charAt(end) != quote) {
      if (text.charAt(end) != '\\') {
        end++;
      } else {
        end += isInnerQuote(end, quote) ? 3 : 2;
      }
    }
    if (end >= text.length()) {
      throw new ConditionSyntaxException("missing closing quote " + quote, position(start));
    }
    String value = new EscapedText(source, start + 1, end, quote).decode();
    advance(end + 1);
    return Optional.of(value);
  }

  /**
   * Whether an escaped backslash and a quote stand here that does not close the text. To Falco no
   * quote after a backslash closes; here it does where a quoted text can end.
   */
  private boolean isInnerQuote(int index, char quote) {
    int after = index + 3;
    return text.startsWith("\\\\" + quote, index)
        && after < text.length()
        && " \t\b\r\n),]".indexOf(text.charAt(after)) < 0;
  }

  private Optional<String> token(int end) {
    if (end == cursor) {
      return Optional.empty();
    }
    String token = text.substring(cursor, end);
    advance(end);
    return Optional.of(token);
  }

  private boolean advance(int end) {
    lastToken = cursor;
    cursor = end;
    return true;
  }

  private int endOfDigits(int from, int radix) {
    int end = from;
    while (end < text.length()
        && text.charAt(end) < 0x80
        && Character.digit(text.charAt(end), radix) >= 0) {
      end++;
    }
    return end;
  }

  private static int endOfIdentifier(String text, int from) {
    int end = from;
    while (end < text.length() && isIdentifierPart(text.charAt(end), end == from)) {
      end++;
    }
    return end;
  }

  private static boolean isIdentifierPart(char c, boolean first) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (!first && ((c >= '0' && c <= '9') || c == '_'));
  }
}
