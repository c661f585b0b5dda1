package io.meshward.rules;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A field of a catalogue as a condition or an output uses it: what a {@link FieldSource} is asked
 * for. Immutable; equal by name and argument, with its hash computed once.
 */
public final class FieldReference {

  private final FieldDefinition definition;
  private final Optional<String> argument;
  private final List<String> path;
  private final int hash;

  FieldReference(FieldDefinition definition, Optional<String> argument) {
    this.definition = definition;
    this.argument = argument;
    this.path = List.of(definition.name().split("\\."));
    this.hash = 31 * definition.name().hashCode() + argument.hashCode();
  }

  /** The dotted name, without the argument. */
  public String name() {
    return definition.name();
  }

  /** The name's parts. */
  public List<String> path() {
    return path;
  }

  /** What stands in brackets. */
  public Optional<String> argument() {
    return argument;
  }

  /** The type of the value, or of each element of a list. */
  public FieldType type() {
    return definition.type();
  }

  /** Whether the value is a list. */
  public boolean isList() {
    return definition.list();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof FieldReference reference
            && hash == reference.hash
            && name().equals(reference.name())
            && argument.equals(reference.argument));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** As it is written: {@code name[argument]}. */
  @Override
  public String toString() {
    return new Expression.Field(name(), argument, Position.none()).canonical();
  }
}
