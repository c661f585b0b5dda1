package io.meshward.rules;

import java.util.List;

/** An argument of a transformer: an expression, a constant or a list of these. Immutable. */
public sealed interface TransformerArgument
    permits Expression, TransformerArgument.Constant, TransformerArgument.ArgumentList {

  /** A constant; a number is kept as it was written. */
  record Constant(String text, boolean number) implements TransformerArgument {}

  /** {@code (a.b, "c")}; its elements are no lists themselves. */
  record ArgumentList(List<TransformerArgument> elements) implements TransformerArgument {
    public ArgumentList {
      elements = List.copyOf(elements);
      for (TransformerArgument element : elements) {
        if (element instanceof ArgumentList) {
          throw new IllegalArgumentException("a list within a list of arguments: " + element);
        }
      }
    }
  }
}
