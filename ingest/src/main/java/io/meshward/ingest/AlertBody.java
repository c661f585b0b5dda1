package io.meshward.ingest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a body holds: one alert, or a batch of them as a JSON array or as one JSON document a line.
 *
 * <p>Alerts are told apart without parsing them, so that a malformed one does not take its
 * neighbours along and its own bytes are known.
 *
 * @param batch whether the sender sent a batch, even of one
 * @param alerts the bytes of each
 * @param cutOff whether the end of the last one is missing, with that of the array around it
 */
record AlertBody(boolean batch, List<byte[]> alerts, boolean cutOff) {
  /** More do not fit in the largest body unless they are no alerts. */
  static final int MAX_ALERTS = 4096;

  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  /**
   * Splits a body.
   *
   * @throws Rejection if there is nothing in it, or too much
   */
  static AlertBody of(byte[] body) throws Rejection {
    boolean marked =
        body.length >= 3 && Arrays.equals(body, 0, 3, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
    int start = skipBlanks(body, marked ? 3 : 0, body.length);
    int end = body.length;
    while (end > start && isBlank(body[end - 1])) {
      end--;
    }
    if (start == end) {
      throw malformed(
          "the body is empty: expected a JSON object, an array of them, or a line each");
    }
    if (body[start] == '[') {
      return array(body, start, end);
    }
    if (endOfValue(body, start, end) == end) {
      return single(body, start, end);
    }
    return lines(body, start, end);
  }

  private static AlertBody single(byte[] body, int start, int end) {
    return new AlertBody(false, List.of(Arrays.copyOfRange(body, start, end)), false);
  }

  private static AlertBody array(byte[] body, int start, int end) throws Rejection {
    List<byte[]> alerts = new ArrayList<>();
    int position = start + 1;
    boolean closed = false;
    while (!closed) {
      int from = skipBlanks(body, position, end);
      int to = endOfItem(body, from, end);
      closed = to == end || body[to] == ']';
      if (!(closed && from == to && alerts.isEmpty())) {
        add(alerts, body, from, to);
      }
      position = to + 1;
    }
    boolean cutOff = position > end;
    int rest = skipBlanks(body, Math.min(position, end), end);
    if (rest < end) {
      add(alerts, body, rest, end);
    }
    if (alerts.isEmpty()) {
      throw malformed("the array is empty: expected at least one alert");
    }
    return new AlertBody(true, alerts, cutOff);
  }

  private static AlertBody lines(byte[] body, int start, int end) throws Rejection {
    List<byte[]> lines = new ArrayList<>();
    boolean anyWhole = false;
    for (int from = start; from < end; ) {
      int to = from;
      while (to < end && body[to] != '\n') {
        to++;
      }
      int first = skipBlanks(body, from, to);
      int last = withoutBlanks(body, first, to);
      if (first < last) {
        add(lines, body, first, last);
        anyWhole |= body[first] == '{' && endOfValue(body, first, last) == last;
      }
      from = to + 1;
    }
    return anyWhole ? new AlertBody(true, lines, false) : single(body, start, end);
  }

  private static void add(List<byte[]> alerts, byte[] body, int from, int to) throws Rejection {
    if (alerts.size() == MAX_ALERTS) {
      throw malformed("the batch has more than " + MAX_ALERTS + " alerts: expected smaller ones");
    }
    alerts.add(Arrays.copyOfRange(body, from, withoutBlanks(body, from, to)));
  }

  /** The index of the comma or bracket behind an item of an array, or {@code end}. */
  private static int endOfItem(byte[] body, int from, int end) {
    int depth = 0;
    for (int i = from; i < end; i++) {
      byte b = body[i];
      if (b == '"') {
        i = endOfString(body, i, end);
      } else if (b == '{' || b == '[') {
        depth++;
      } else if (depth == 0 && (b == ',' || b == ']')) {
        return i;
      } else if (b == '}' || b == ']') {
        depth = Math.max(0, depth - 1);
      }
    }
    return end;
  }

  /** The index behind the object or array that begins at {@code from}; -1 if it does not end. */
  private static int endOfValue(byte[] body, int from, int end) {
    if (body[from] != '{' && body[from] != '[') {
      return -1;
    }
    int depth = 0;
    for (int i = from; i < end; i++) {
      byte b = body[i];
      if (b == '"') {
        i = endOfString(body, i, end);
      } else if (b == '{' || b == '[') {
        depth++;
      } else if (b == '}' || b == ']') {
        depth--;
        if (depth == 0) {
          return i + 1;
        }
      }
    }
    return -1;
  }

  /** The index of the quote that closes the string which begins at {@code from}; else the end. */
  private static int endOfString(byte[] body, int from, int end) {
    int i = from + 1;
    while (i < end && body[i] != '"') {
      i += body[i] == '\\' ? 2 : 1;
    }
    return i;
  }

  /** The index behind the last character that is no blank; at least {@code from}. */
  private static int withoutBlanks(byte[] body, int from, int to) {
    int end = to;
    while (end > from && isBlank(body[end - 1])) {
      end--;
    }
    return end;
  }

  private static int skipBlanks(byte[] body, int from, int end) {
    int i = from;
    while (i < end && isBlank(body[i])) {
      i++;
    }
    return i;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\n' || b == '\r';
  }

  static Rejection malformed(String detail) {
    return new Rejection(Rejection.Cause.MALFORMED_JSON, Rejection.BODY, detail);
  }
}
