package io.meshward.rules;

import java.util.Arrays;

/** A rules file's text, with its lines. Immutable. */
final class FileText {

  private static final int SNIPPET_WIDTH = 120;

  private final RuleFile file;
  private final int number;
  private final int[] lineStarts;
  private final boolean supplementary;

  FileText(RuleFile file, int number) {
    this.file = file;
    this.number = number;
    String text = file.text();
    int[] starts = new int[(int) text.chars().filter(c -> c == '\n').count() + 1];
    int line = 0;
    for (int newline = text.indexOf('\n');
        newline >= 0;
        newline = text.indexOf('\n', newline + 1)) {
      starts[++line] = newline + 1;
    }
    this.lineStarts = starts;
    this.supplementary = text.codePointCount(0, text.length()) < text.length();
  }

  String name() {
    return file.name();
  }

  String text() {
    return file.text();
  }

  /** The file's place among those that are loaded together. */
  int number() {
    return number;
  }

  Place start() {
    return new Place(this, 0);
  }

  /** The offset of a place that is counted in code points. */
  int offset(int codePoints) {
    int offset = supplementary ? text().offsetByCodePoints(0, codePoints) : codePoints;
    return Math.min(offset, text().length());
  }

  int line(int offset) {
    int found = Arrays.binarySearch(lineStarts, offset);
    return found >= 0 ? found + 1 : -found - 1;
  }

  int column(int offset) {
    return offset - lineStarts[line(offset) - 1] + 1;
  }

  /** The line of a place and a caret below it; of a long line, the part around the place. */
  String snippet(int offset) {
    int start = lineStarts[line(offset) - 1];
    int newline = text().indexOf('\n', start);
    String line = text().substring(start, newline < 0 ? text().length() : newline).stripTrailing();
    int column = Math.min(offset - start, line.length());
    int from = column <= SNIPPET_WIDTH - 20 ? 0 : column - SNIPPET_WIDTH / 2;
    int to = Math.min(line.length(), from + SNIPPET_WIDTH);
    String shown = line.substring(from, to).replace('\t', ' ');
    return shown + "\n" + " ".repeat(column - from) + "^";
  }
}
