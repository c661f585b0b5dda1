package io.meshward.rules;

import java.util.List;
import java.util.Optional;

/** An operator as an exception names it, with its modifier: {@code startswith anyof}. */
record ComparisonWords(Operator operator, Optional<Modifier> modifier) {

  static Optional<ComparisonWords> parse(String text) {
    List<String> words = List.of(text.strip().split("\\s+"));
    Optional<Operator> operator = Operator.of(words.getFirst());
    if (words.size() == 1) {
      return operator.map(found -> new ComparisonWords(found, Optional.empty()));
    }
    Optional<Modifier> modifier = words.size() == 2 ? Modifier.of(words.get(1)) : Optional.empty();
    return operator
        .filter(found -> found.right() == Operator.Right.TEXT && modifier.isPresent())
        .map(found -> new ComparisonWords(found, modifier));
  }

  boolean takesList() {
    return modifier.isPresent() || operator.right() == Operator.Right.LIST;
  }

  @Override
  public String toString() {
    return modifier.map(word -> operator + " " + word).orElse(operator.symbol());
  }
}
