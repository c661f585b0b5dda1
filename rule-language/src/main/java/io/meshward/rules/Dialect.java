package io.meshward.rules;

/** How rules files are read, where Falco and Meshward differ ({@code docs/rule-language.md}). */
public enum Dialect {
  /**
   * Meshward's own: lists and appended conditions are joined as syntax trees, whatever the order of
   * definitions; {@code detection} items are read; an unknown source is an error.
   */
  MESHWARD,
  /** As Falco's engine: lists and appended conditions are joined as text, in file order. */
  FALCO
}
