package io.meshward.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The fields that conditions and outputs over one source may use. Immutable.
 *
 * <p>Beside fields there may be open prefixes: any longer name that starts with one is a field too,
 * of type {@link FieldType#DYNAMIC} with an optional argument. They are for sources whose fields
 * are not known beforehand.
 */
public final class FieldCatalogue {

  private final Map<String, FieldDefinition> fields;
  private final List<String> openPrefixes;

  private FieldCatalogue(Map<String, FieldDefinition> fields, Collection<String> openPrefixes) {
    this.fields = new TreeMap<>(fields);
    this.openPrefixes = List.copyOf(openPrefixes);
  }

  /** Starts an empty catalogue. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads the form {@code {"proc.name": {"type": "charbuf", "list": false, "argument":
   * "none|allowed|required", "argument-kind": "index|key"}}}; all but the type may be left out.
   *
   * @throws IllegalArgumentException if it is not of that form, naming the field
   */
  public static FieldCatalogue fromMap(Map<String, ?> map) {
    Builder builder = builder();
    map.forEach((name, properties) -> builder.field(FieldForm.read(name, properties)));
    return builder.build();
  }

  /** All fields, by name; those of open prefixes are not among them. */
  public Collection<FieldDefinition> fields() {
    return java.util.Collections.unmodifiableCollection(fields.values());
  }

  /** Whether there is a field of this very name; open prefixes do not count. */
  boolean defines(String name) {
    return fields.containsKey(name);
  }

  /** The field of a name, without argument. */
  public Optional<FieldDefinition> find(String name) {
    FieldDefinition field = fields.get(name);
    if (field != null) {
      return Optional.of(field);
    }
    return openPrefixes.stream()
        .filter(prefix -> name.startsWith(prefix) && name.length() > prefix.length())
        .findFirst()
        .map(
            prefix ->
                new FieldDefinition(name, FieldType.DYNAMIC, false, FieldArgument.KEY_ALLOWED));
  }

  /**
   * The reference to a field.
   *
   * @throws IllegalArgumentException if there is no such field (naming the nearest), or if its
   *     argument is missing, superfluous or no index
   */
  public FieldReference reference(String name, Optional<String> argument) {
    FieldDefinition field =
        find(name).orElseThrow(() -> new IllegalArgumentException(nonexistent(name)));
    FieldArgument form = field.argument();
    if (argument.isEmpty() && form.isRequired()) {
      throw new IllegalArgumentException("filter field '" + name + "' requires an argument");
    }
    if (argument.isPresent() && form == FieldArgument.NONE) {
      throw new IllegalArgumentException(
          "filter field '" + name + "' takes no argument, found '" + argument.get() + "'");
    }
    if (argument.isPresent() && form.isIndex() && !argument.get().matches("[0-9]{1,9}")) {
      throw new IllegalArgumentException(
          "filter field '" + name + "' expects an index, found '" + argument.get() + "'");
    }
    return new FieldReference(field, argument);
  }

  /** The reference to a field as it is written, {@code name} or {@code name[argument]}. */
  public FieldReference reference(String text) {
    try {
      if (ConditionParser.parseExpression(SourceText.of(text)) instanceof Expression.Field field) {
        return reference(field.name(), field.argument());
      }
    } catch (ConditionSyntaxException e) {
      throw new IllegalArgumentException("'" + text + "' is no field: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException("'" + text + "' is a transformer's call, expected a field");
  }

  /**
   * What holds every field of both. A field whose type differs becomes {@link FieldType#DYNAMIC}.
   */
  public FieldCatalogue union(FieldCatalogue other) {
    Builder builder = builder();
    fields.values().forEach(builder::field);
    for (FieldDefinition field : other.fields.values()) {
      FieldDefinition mine = fields.get(field.name());
      builder.field(
          mine == null || mine.equals(field)
              ? field
              : new FieldDefinition(
                  field.name(), FieldType.DYNAMIC, false, FieldArgument.KEY_ALLOWED));
    }
    openPrefixes.forEach(builder::open);
    other.openPrefixes.forEach(builder::open);
    return builder.build();
  }

  private String nonexistent(String name) {
    return "nonexistent field " + name + Suggestion.didYouMean(name, fields.keySet());
  }

  /** Collects fields; the last definition of a name holds. Not thread-safe. */
  public static final class Builder {

    private final Map<String, FieldDefinition> fields = new TreeMap<>();
    private final List<String> openPrefixes = new ArrayList<>();

    private Builder() {}

    public Builder field(FieldDefinition field) {
      fields.put(field.name(), field);
      return this;
    }

    /** A single value without argument. */
    public Builder field(String name, FieldType type) {
      return field(new FieldDefinition(name, type, false, FieldArgument.NONE));
    }

    /** A list without argument. */
    public Builder list(String name, FieldType elementType) {
      return field(new FieldDefinition(name, elementType, true, FieldArgument.NONE));
    }

    /** Every name that starts with {@code prefix}, which ends with a dot. */
    public Builder open(String prefix) {
      if (!prefix.endsWith(".")) {
        throw new IllegalArgumentException("open prefix '" + prefix + "' does not end with a dot");
      }
      if (!openPrefixes.contains(prefix)) {
        openPrefixes.add(prefix);
      }
      return this;
    }

    public FieldCatalogue build() {
      return new FieldCatalogue(fields, openPrefixes);
    }
  }
}
