package io.meshward.rules;

/**
 * A place in a rules file.
 *
 * @param offset index into the file's text, which may be its length
 */
record Place(FileText file, int offset) implements Comparable<Place> {

  int line() {
    return file.line(offset);
  }

  int column() {
    return file.column(offset);
  }

  @Override
  public int compareTo(Place other) {
    int byFile = Integer.compare(file.number(), other.file.number());
    return byFile != 0 ? byFile : Integer.compare(offset, other.offset);
  }
}
