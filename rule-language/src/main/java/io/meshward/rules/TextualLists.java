package io.meshward.rules;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Falco's way with lists: before a condition is parsed, each list's name in its text is replaced by
 * the list's items, in the order in which the lists were defined.
 */
final class TextualLists {

  /** The longest text that substitution may produce. */
  static final int MAX_LENGTH = 1024 * 1024;

  private static final String BLANKS = " \t\n\r";
  private static final String DELIMITERS = BLANKS + "(),=";

  private final Map<String, List<String>> lists = new LinkedHashMap<>();
  private final Set<String> used = new HashSet<>();

  /**
   * Resolves items that are the names of lists, one level deep and only of lists that were defined
   * before the last change of the list that has them.
   */
  TextualLists(RuleCollection collection) {
    for (RuleCollection.ListEntry list : collection.lists().values()) {
      List<String> items = new ArrayList<>();
      for (SourceText item : list.items()) {
        RuleCollection.ListEntry other = collection.lists().get(item.text());
        if (other != null && other.index() < list.lastChange()) {
          used.add(other.name());
          other.items().forEach(inner -> items.add(inner.text()));
        } else {
          items.add(item.text());
        }
      }
      lists.put(list.name(), items);
    }
  }

  /** Names of lists that were used so far. */
  Set<String> used() {
    return used;
  }

  SourceText substitute(SourceText condition) {
    SourceText text = condition;
    for (Map.Entry<String, List<String>> list : lists.entrySet()) {
      text = substitute(text, list.getKey(), list.getValue());
    }
    return text;
  }

  private SourceText substitute(SourceText source, String name, List<String> items) {
    String text = source.text();
    int found = next(text, name, 0);
    if (found < 0) {
      return source;
    }
    used.add(name);
    String replacement = String.join(", ", items.stream().map(TextualLists::quoted).toList());
    SplicedText spliced = new SplicedText();
    int length = 0;
    int copied = 0;
    while (found >= 0) {
      int start = found;
      int end = found + name.length();
      if (items.isEmpty()) {
        int before = skipBlanksBackwards(text, start, copied);
        int after = skipBlanks(text, end);
        if (before > copied && text.charAt(before - 1) == ',') {
          start = before - 1;
        } else if (after < text.length() && text.charAt(after) == ',') {
          end = after + 1;
        }
      }
      spliced.append(source, copied, start).append(replacement, source, found);
      length += start - copied + replacement.length();
      if (length > MAX_LENGTH) {
        throw new ConditionSyntaxException(
            "condition has more than "
                + MAX_LENGTH
                + " characters when list '"
                + name
                + "' is put in",
            new Position(source, found));
      }
      copied = end;
      found = next(text, name, end);
    }
    return spliced.append(source, copied, text.length()).build();
  }

  private static int next(String text, String name, int from) {
    for (int at = text.indexOf(name, from); at >= 0; at = text.indexOf(name, at + 1)) {
      int end = at + name.length();
      if ((at == 0 || DELIMITERS.indexOf(text.charAt(at - 1)) >= 0)
          && (end == text.length() || DELIMITERS.indexOf(text.charAt(end)) >= 0)) {
        return at;
      }
    }
    return -1;
  }

  private static int skipBlanks(String text, int from) {
    int at = from;
    while (at < text.length() && BLANKS.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return at;
  }

  private static int skipBlanksBackwards(String text, int from, int limit) {
    int at = from;
    while (at > limit && BLANKS.indexOf(text.charAt(at - 1)) >= 0) {
      at--;
    }
    return at;
  }

  /** An item with a blank is quoted unless it already is. */
  private static String quoted(String item) {
    boolean isQuoted = item.startsWith("\"") || item.startsWith("'");
    return item.indexOf(' ') >= 0 && !isQuoted ? '"' + item + '"' : item;
  }
}
