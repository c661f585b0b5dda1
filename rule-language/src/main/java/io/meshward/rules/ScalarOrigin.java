package io.meshward.rules;

import org.snakeyaml.engine.v2.common.ScalarStyle;

/**
 * Finds characters of a decoded YAML scalar in its file. Folding and indentation change only white
 * space, so the n-th other character of the one is the n-th of the other.
 *
 * @param start offset of the scalar's first character in the file, its quote or block indicator
 * @param end offset after its last
 */
record ScalarOrigin(FileText file, int start, int end, ScalarStyle style, String decoded)
    implements TextOrigin {

  private static final String BLANK_ESCAPES = "ntrvfLP \t\n";

  @Override
  public Place locate(int index) {
    String prefix = decoded.substring(0, Math.min(index, decoded.length()));
    long visible = prefix.codePoints().filter(c -> !Character.isWhitespace(c)).count();
    int raw = contentStart();
    int contentEnd = contentEnd(raw);
    while (raw < contentEnd) {
      int next = next(raw);
      if (isVisible(raw, next)) {
        if (visible == 0) {
          return new Place(file, raw);
        }
        visible--;
      }
      raw = next;
    }
    return new Place(file, contentEnd);
  }

  private boolean isQuoted() {
    return style == ScalarStyle.DOUBLE_QUOTED || style == ScalarStyle.SINGLE_QUOTED;
  }

  /** After anchor and tag, and the opening quote or the line of the block indicator. */
  private int contentStart() {
    String text = file.text();
    int at = start;
    while (at < end && (text.charAt(at) == '&' || text.charAt(at) == '!')) {
      while (at < end && !Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      while (at < end && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
    }
    if (style == ScalarStyle.FOLDED || style == ScalarStyle.LITERAL) {
      int header = text.indexOf('\n', at);
      return header < 0 ? end : header + 1;
    }
    return isQuoted() ? at + 1 : at;
  }

  /** Before trailing blanks and the closing quote. */
  private int contentEnd(int from) {
    int last = Math.max(from, isQuoted() ? end - 1 : end);
    while (last > from && !isQuoted() && Character.isWhitespace(file.text().charAt(last - 1))) {
      last--;
    }
    return last;
  }

  /** The offset after the one character or escape at {@code raw}. */
  private int next(int raw) {
    String text = file.text();
    if (style == ScalarStyle.SINGLE_QUOTED && text.startsWith("''", raw)) {
      return raw + 2;
    }
    if (style != ScalarStyle.DOUBLE_QUOTED || text.charAt(raw) != '\\') {
      return raw + Character.charCount(text.codePointAt(raw));
    }
    return switch (text.charAt(raw + 1)) {
      case 'x' -> raw + 4;
      case 'u' -> raw + 6;
      case 'U' -> raw + 10;
      default -> raw + 2;
    };
  }

  private boolean isVisible(int raw, int next) {
    String text = file.text();
    if (style != ScalarStyle.DOUBLE_QUOTED || text.charAt(raw) != '\\') {
      return !Character.isWhitespace(text.codePointAt(raw));
    }
    return next > raw + 2
        ? !Character.isWhitespace(Integer.parseInt(text.substring(raw + 2, next), 16))
        : BLANK_ESCAPES.indexOf(text.charAt(raw + 1)) < 0;
  }
}
