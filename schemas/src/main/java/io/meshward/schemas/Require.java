package io.meshward.schemas;

/** The invariants that several records share; each failure names the field by its JSON path. */
final class Require {
  private Require() {}

  static String text(String value, String path) {
    if (value.isBlank()) {
      throw new IllegalArgumentException(path + " is blank: expected a text");
    }
    return value;
  }

  static long notNegative(long value, String path) {
    if (value < 0) {
      throw new IllegalArgumentException(path + " is " + value + ": expected 0 or more");
    }
    return value;
  }

  static String sha256(String value, String path) {
    if (value.length() != 64 || !isLowerCaseHex(value)) {
      throw new IllegalArgumentException(
          path + " is '" + value + "': expected 64 lower-case hexadecimal digits");
    }
    return value;
  }

  /** A loop and no stream: this is asked about every event of every call. */
  private static boolean isLowerCaseHex(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return true;
  }
}
