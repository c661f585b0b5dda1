package io.meshward.rules;

import java.util.Arrays;
import java.util.Optional;

/** How many values of a list an operator must hold for: {@code name startswith anyof (a, b)}. */
public enum Modifier {
  /** Exactly one. */
  ONEOF("oneof"),
  /** At least one. */
  ANYOF("anyof"),
  /** Every one; never true for an empty list. */
  ALLOF("allof");

  private final String word;

  Modifier(String word) {
    this.word = word;
  }

  static Optional<Modifier> of(String word) {
    return Arrays.stream(values()).filter(modifier -> modifier.word.equals(word)).findAny();
  }

  /** As it is written. */
  public String word() {
    return word;
  }

  @Override
  public String toString() {
    return word;
  }
}
