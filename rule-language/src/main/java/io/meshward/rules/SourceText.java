package io.meshward.rules;

import org.jspecify.annotations.Nullable;

/**
 * A text that was parsed, and where it stands in a file if it came from one. Immutable.
 *
 * @param text the text as the parser saw it
 * @param origin maps an index of the text to its place in a file, or null for a text of its own
 */
record SourceText(String text, @Nullable TextOrigin origin) {

  static SourceText of(String text) {
    return new SourceText(text, null);
  }

  /**
   * The place in the file of the character at {@code index}.
   *
   * @throws IllegalStateException if the text came from no file
   */
  Place place(int index) {
    if (origin == null) {
      throw new IllegalStateException("a text of its own has no place in a file");
    }
    return origin.locate(index);
  }

  /** The text without leading and trailing white space. */
  SourceText stripped() {
    int leading = text.length() - text.stripLeading().length();
    TextOrigin whole = origin;
    return new SourceText(
        text.strip(), whole == null ? null : index -> whole.locate(index + leading));
  }
}
