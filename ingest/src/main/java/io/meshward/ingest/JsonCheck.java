package io.meshward.ingest;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.Map;

/** What JSON allows and readers of events could not bear. */
final class JsonCheck {
  /** Well below the depth that the codec reads, since the event nests an alert's extra fields. */
  private static final int MAX_DEPTH = 32;

  /** Beyond any double; a reader that expands the number would fill its memory with digits. */
  private static final int MAX_EXPONENT = 400;

  private JsonCheck() {}

  /**
   * Checks a document.
   *
   * @throws Rejection naming the first field that breaks a rule
   */
  static void check(JsonNode document) throws Rejection {
    check(document, "", 0);
  }

  private static void check(JsonNode node, String path, int depth) throws Rejection {
    if (depth > MAX_DEPTH) {
      throw Rejection.invalid(path, "nests deeper than " + MAX_DEPTH + " levels");
    }
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> field : node.properties()) {
        String name = field.getKey();
        String shown = name.isEmpty() ? "''" : name;
        String child = path.isEmpty() ? shown : path + "." + shown;
        requireUnicode(name, path.isEmpty() ? Rejection.BODY : path);
        check(field.getValue(), child, depth + 1);
      }
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        check(node.get(i), path + "[" + i + "]", depth + 1);
      }
    } else if (node.isTextual()) {
      requireUnicode(node.textValue(), path);
    } else if (node.isBigDecimal()) {
      BigDecimal number = node.decimalValue();
      if (Math.abs((long) number.precision() - number.scale()) > MAX_EXPONENT) {
        throw Rejection.invalid(path, "is " + node + ": expected an exponent of at most 400");
      }
    }
  }

  /** A half of a surrogate pair alone is no character: UTF-8 cannot carry it. */
  private static void requireUnicode(String text, String path) throws Rejection {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw Rejection.invalid(path, "holds half of a surrogate pair: expected Unicode text");
        }
        i++;
      }
    }
  }
}
