package io.meshward.rules;

import java.util.Map;
import java.util.TreeMap;

/** A text put together from others, which remembers where each part stands in its file. */
final class SplicedText {

  /**
   * A part.
   *
   * @param from index into the source; all of a fixed part stands there
   */
  private record Part(SourceText source, int from, boolean fixed) {}

  private final StringBuilder text = new StringBuilder();
  private final TreeMap<Integer, Part> parts = new TreeMap<>();

  /** Appends a piece of a text. */
  SplicedText append(SourceText source, int from, int to) {
    parts.put(text.length(), new Part(source, from, false));
    text.append(source.text(), from, to);
    return this;
  }

  /** Appends a whole text. */
  SplicedText append(SourceText source) {
    return append(source, 0, source.text().length());
  }

  /** Appends characters that stand for what is at an index of a text. */
  SplicedText append(String characters, SourceText source, int at) {
    parts.put(text.length(), new Part(source, at, true));
    text.append(characters);
    return this;
  }

  SourceText build() {
    TreeMap<Integer, Part> found = new TreeMap<>(parts);
    Place nowhere = locate(found.firstEntry(), 0);
    return new SourceText(
        text.toString(),
        index -> {
          Map.Entry<Integer, Part> entry = found.floorEntry(index);
          return entry == null ? nowhere : locate(entry, index);
        });
  }

  private static Place locate(Map.Entry<Integer, Part> entry, int index) {
    Part part = entry.getValue();
    return part.source().place(part.fixed() ? part.from() : part.from() + index - entry.getKey());
  }
}
