package io.meshward.rules;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a piece of a condition was written. Immutable.
 *
 * <p>All positions are equal to each other: two conditions that say the same are equal, wherever
 * they were written.
 */
public final class Position {

  private static final Position NONE = new Position(SourceText.of(""), 0);

  private final SourceText source;
  private final int index;

  Position(SourceText source, int index) {
    this.source = source;
    this.index = index;
  }

  /** The position of what was built by a program instead of being written. */
  public static Position none() {
    return NONE;
  }

  /** 0-based index into the condition's text. */
  public int index() {
    return index;
  }

  /** 1-based line within the condition's text. */
  public int line() {
    int line = 1;
    String text = source.text();
    for (int i = 0; i < index && i < text.length(); i++) {
      if (text.charAt(i) == '\n') {
        line++;
      }
    }
    return line;
  }

  /** 1-based column, in characters, within the condition's line. */
  public int column() {
    int lineStart = index == 0 ? 0 : source.text().lastIndexOf('\n', index - 1) + 1;
    return index - lineStart + 1;
  }

  /** The whole text that this position points into. */
  public String text() {
    return source.text();
  }

  /** The place in the file that the text came from, or nothing if it came from none. */
  Optional<Place> place() {
    return source.origin() == null ? Optional.empty() : Optional.of(source.place(index));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Position;
  }

  @Override
  public int hashCode() {
    return 0;
  }

  @Override
  public String toString() {
    return line() + ":" + column();
  }
}
