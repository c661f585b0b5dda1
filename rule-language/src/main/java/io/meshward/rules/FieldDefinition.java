package io.meshward.rules;

/**
 * A field of a catalogue.
 *
 * @param name dotted name, identifiers joined by dots
 * @param type the type of the value, or of each element of a list
 * @param list whether the value is a list
 * @param argument what the field takes in brackets
 */
public record FieldDefinition(String name, FieldType type, boolean list, FieldArgument argument) {
  public FieldDefinition {
    for (String part : name.split("\\.", -1)) {
      if (!ConditionLexer.isIdentifier(part)) {
        throw new IllegalArgumentException(
            "field name '" + name + "': expected identifiers joined by dots, found '" + part + "'");
      }
    }
  }
}
