package io.meshward.rules;

import java.util.Arrays;
import java.util.Optional;

/** The binary operators of a check (Falco 0.44, libsinsp filter grammar). */
public enum Operator {
  DOUBLE_EQUAL("==", Right.TEXT),
  EQUAL("=", Right.TEXT),
  NOT_EQUAL("!=", Right.TEXT),
  LESS_OR_EQUAL("<=", Right.NUMBER),
  LESS("<", Right.NUMBER),
  GREATER_OR_EQUAL(">=", Right.NUMBER),
  GREATER(">", Right.NUMBER),
  GLOB("glob", Right.TEXT),
  IGLOB("iglob", Right.TEXT),
  CONTAINS("contains", Right.TEXT),
  ICONTAINS("icontains", Right.TEXT),
  BCONTAINS("bcontains", Right.TEXT),
  STARTSWITH("startswith", Right.TEXT),
  BSTARTSWITH("bstartswith", Right.TEXT),
  ENDSWITH("endswith", Right.TEXT),
  REGEX("regex", Right.TEXT),
  INTERSECTS("intersects", Right.LIST),
  IN("in", Right.LIST),
  PMATCH("pmatch", Right.LIST);

  /** What an operator takes on its right, besides a field. */
  public enum Right {
    /** A number token. */
    NUMBER,
    /** One string, or a list after a {@link Modifier}. */
    TEXT,
    /** A list, or the name of one. */
    LIST
  }

  private final String symbol;
  private final Right right;

  Operator(String symbol, Right right) {
    this.symbol = symbol;
    this.right = right;
  }

  static Optional<Operator> of(String symbol) {
    return Arrays.stream(values()).filter(operator -> operator.symbol.equals(symbol)).findAny();
  }

  /** As it is written. */
  public String symbol() {
    return symbol;
  }

  /** What it takes on its right. */
  public Right right() {
    return right;
  }

  /** Whether a blank must follow it: words in front of a single string, not {@code in(a)}. */
  boolean needsBlank() {
    return right == Right.TEXT && Character.isLetter(symbol.charAt(0));
  }

  /** {@code ==} and {@code =} mean the same. */
  Operator meaning() {
    return this == DOUBLE_EQUAL ? EQUAL : this;
  }

  @Override
  public String toString() {
    return symbol;
  }
}
