package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A bracket expression of a shell pattern: {@code [abc]}, {@code [!a-z]}, {@code [[:digit:]]}.
 *
 * @param matcher which code points it matches
 * @param end index after the closing bracket
 */
record GlobBracket(IntPredicate matcher, int end) {

  private static final Map<String, IntPredicate> CLASSES =
      Map.ofEntries(
          Map.entry("alnum", c -> c < 128 && Character.isLetterOrDigit(c)),
          Map.entry("alpha", c -> c < 128 && Character.isLetter(c)),
          Map.entry("blank", c -> c == ' ' || c == '\t'),
          Map.entry("cntrl", c -> c < ' ' || c == 127),
          Map.entry("digit", c -> c >= '0' && c <= '9'),
          Map.entry("graph", c -> c > ' ' && c < 127),
          Map.entry("lower", c -> c >= 'a' && c <= 'z'),
          Map.entry("print", c -> c >= ' ' && c < 127),
          Map.entry("punct", c -> c > ' ' && c < 127 && !Character.isLetterOrDigit(c)),
          Map.entry("space", c -> c == ' ' || (c >= '\t' && c <= '\r')),
          Map.entry("upper", c -> c >= 'A' && c <= 'Z'),
          Map.entry(
              "xdigit",
              c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));

  /** The expression whose opening bracket is at {@code start}, or null if it is never closed. */
  static @Nullable GlobBracket parse(String text, int start) {
    int i = start + 1;
    boolean negated = i < text.length() && (text.charAt(i) == '!' || text.charAt(i) == '^');
    i += negated ? 1 : 0;
    List<IntPredicate> members = new ArrayList<>();
    boolean first = true;
    while (i < text.length()) {
      if (text.charAt(i) == ']' && !first) {
        return new GlobBracket(anyOf(members, negated), i + 1);
      }
      first = false;
      int classEnd = text.startsWith("[:", i) ? text.indexOf(":]", i + 2) : -1;
      IntPredicate named = classEnd < 0 ? null : CLASSES.get(text.substring(i + 2, classEnd));
      if (named != null) {
        members.add(named);
        i = classEnd + 2;
        continue;
      }
      i = skipEscape(text, i);
      int low = text.codePointAt(i);
      i += Character.charCount(low);
      int high = low;
      if (i + 1 < text.length() && text.charAt(i) == '-' && text.charAt(i + 1) != ']') {
        i = skipEscape(text, i + 1);
        high = text.codePointAt(i);
        i += Character.charCount(high);
      }
      int last = high;
      members.add(c -> c >= low && c <= last);
    }
    return null;
  }

  private static int skipEscape(String text, int i) {
    return text.charAt(i) == '\\' && i + 1 < text.length() ? i + 1 : i;
  }

  private static IntPredicate anyOf(List<IntPredicate> members, boolean negated) {
    List<IntPredicate> all = List.copyOf(members);
    return c -> {
      for (IntPredicate member : all) {
        if (member.test(c)) {
          return !negated;
        }
      }
      return negated;
    };
  }
}
