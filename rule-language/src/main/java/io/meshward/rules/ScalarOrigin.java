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

  private static final String BLANK_ESCAPES = "ntrvfLP \t";

  @Override
  public Place locate(int index) {
    int visible = 0;
    for (int i = 0; i < Math.min(index, decoded.length()); i++) {
      visible += Character.isWhitespace(decoded.charAt(i)) ? 0 : 1;
    }
    String text = file.text();
    int raw = contentStart();
    while (raw < end) {
      int next = next(raw);
      if (isVisible(raw, next)) {
        if (visible == 0) {
          return new Place(file, raw);
        }
        visible--;
      }
      raw = next;
    }
    int last = Math.min(end, text.length());
    while (last > start && Character.isWhitespace(text.charAt(last - 1))) {
      last--;
    }
    return new Place(file, isQuoted() && last > start + 1 ? last - 1 : last);
  }

  private boolean isQuoted() {
    return style == ScalarStyle.DOUBLE_QUOTED || style == ScalarStyle.SINGLE_QUOTED;
  }

  private int contentStart() {
    if (style == ScalarStyle.FOLDED || style == ScalarStyle.LITERAL) {
      int header = file.text().indexOf('\n', start);
      return header < 0 ? end : header + 1;
    }
    return isQuoted() ? start + 1 : start;
  }

  /** The offset after the one character or escape at {@code raw}. */
  private int next(int raw) {
    String text = file.text();
    if (style == ScalarStyle.SINGLE_QUOTED && text.startsWith("''", raw)) {
      return raw + 2;
    }
    if (style != ScalarStyle.DOUBLE_QUOTED || text.charAt(raw) != '\\' || raw + 1 >= end) {
      return raw + 1;
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
    char c = text.charAt(raw);
    if (isQuoted() && next >= end) {
      return false;
    }
    if (style == ScalarStyle.DOUBLE_QUOTED && c == '\\') {
      char escape = text.charAt(raw + 1);
      return escape != '\n' && escape != '\r' && BLANK_ESCAPES.indexOf(escape) < 0;
    }
    return !Character.isWhitespace(c);
  }
}
