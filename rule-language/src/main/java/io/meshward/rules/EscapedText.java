package io.meshward.rules;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Decodes the escapes within a quoted string: {@code \b \f \n \r \t \\ \/ \xHH}, and the quote
 * itself. A backslash before a blank stands for itself and swallows the blank, as in Falco.
 *
 * @param source what is read
 * @param from index of the first character after the opening quote
 * @param to index of the closing quote
 * @param quote the quote
 */
record EscapedText(SourceText source, int from, int to, char quote) {

  String decode() {
    String text = source.text();
    StringBuilder decoded = new StringBuilder(to - from);
    int i = from;
    while (i < to) {
      char c = text.charAt(i++);
      if (c != '\\') {
        decoded.append(c);
        continue;
      }
      char escape = text.charAt(i++);
      switch (escape) {
        case ' ', '\t', '\n', '\r', '\\' -> decoded.append('\\');
        case '/' -> decoded.append('/');
        case 'b' -> decoded.append('\b');
        case 'f' -> decoded.append('\f');
        case 'n' -> decoded.append('\n');
        case 'r' -> decoded.append('\r');
        case 't' -> decoded.append('\t');
        case 'x' -> i = appendBytes(i - 2, decoded);
        default -> {
          if (escape != quote) {
            throw new ConditionSyntaxException(
                "unsupported string escape sequence: \\" + escape, new Position(source, i - 2));
          }
          decoded.append(quote);
        }
      }
    }
    return decoded.toString();
  }

  /** Consecutive {@code \xHH} are the bytes of UTF-8 characters. */
  private int appendBytes(int start, StringBuilder decoded) {
    String text = source.text();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int i = start;
    while (i + 1 < to && text.startsWith("\\x", i)) {
      int high = i + 2 < to ? Character.digit(text.charAt(i + 2), 16) : -1;
      int low = i + 3 < to ? Character.digit(text.charAt(i + 3), 16) : -1;
      if (high < 0 || low < 0) {
        throw new ConditionSyntaxException(
            "expected two hexadecimal digits after \\x", new Position(source, i));
      }
      bytes.write(high * 16 + low);
      i += 4;
    }
    decoded.append(bytes.toString(StandardCharsets.UTF_8));
    return i;
  }
}
