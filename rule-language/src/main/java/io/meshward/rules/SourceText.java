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
}
