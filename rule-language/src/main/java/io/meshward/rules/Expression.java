package io.meshward.rules;

import java.util.List;
import java.util.Optional;

/** What a check looks at: a field of the event, or a field seen through transformers. Immutable. */
public sealed interface Expression extends TransformerArgument {

  /** Where it was written. */
  Position position();

  /** The text that parses to this expression again. */
  default String canonical() {
    return CanonicalPrinter.print(this);
  }

  /**
   * A field of the event.
   *
   * @param name dotted, {@code proc.aname}
   * @param argument what stands in brackets, {@code proc.aname[2]}
   */
  record Field(String name, Optional<String> argument, Position position) implements Expression {
    public Field(String name) {
      this(name, Optional.empty(), Position.none());
    }

    @Override
    public String toString() {
      return canonical();
    }
  }

  /**
   * A transformer's call.
   *
   * @param arguments at least one
   * @param selector what stands in brackets after the call, {@code getopt(…)[c]}
   */
  record Transformation(
      Transformer transformer,
      List<TransformerArgument> arguments,
      Optional<String> selector,
      Position position)
      implements Expression {
    public Transformation {
      arguments = List.copyOf(arguments);
      if (arguments.isEmpty()) {
        throw new IllegalArgumentException(
            transformer + " has no arguments, expected at least one");
      }
    }

    @Override
    public String toString() {
      return canonical();
    }
  }
}
