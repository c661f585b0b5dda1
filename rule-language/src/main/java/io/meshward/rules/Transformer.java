package io.meshward.rules;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The functions that a field's value may pass through before it is compared. */
public enum Transformer {
  TOLOWER("tolower"),
  TOUPPER("toupper"),
  /** Decodes base64, padded or not; what is not base64 counts as a missing field. */
  B64("b64"),
  /** What follows the last slash. */
  BASENAME("basename"),
  /** The number of a list's elements, or of a string's bytes. */
  LEN("len"),
  /** {@code join(separator, (values…))}. */
  JOIN("join"),
  /** {@code concat(text, text…)}. */
  CONCAT("concat"),
  /** {@code getopt(arguments, "nt:")[c]}: POSIX short options. */
  GETOPT("getopt");

  private static final Map<String, Transformer> BY_WORD =
      Stream.of(values())
          .collect(Collectors.toUnmodifiableMap(Transformer::word, Function.identity()));

  private final String word;

  Transformer(String word) {
    this.word = word;
  }

  /** As it is written. */
  public String word() {
    return word;
  }

  static Optional<Transformer> named(String word) {
    return Optional.ofNullable(BY_WORD.get(word));
  }

  @Override
  public String toString() {
    return word;
  }
}
