package io.meshward.rules;

/** Maps a place in a decoded text (a YAML scalar) to its place in the file. */
@FunctionalInterface
interface TextOrigin {

  /** The place in the file of the character at {@code index}, which may be the text's length. */
  Place locate(int index);
}
