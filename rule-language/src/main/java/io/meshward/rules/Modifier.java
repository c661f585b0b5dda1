package io.meshward.rules;

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

  /** As it is written. */
  public String word() {
    return word;
  }

  @Override
  public String toString() {
    return word;
  }
}
