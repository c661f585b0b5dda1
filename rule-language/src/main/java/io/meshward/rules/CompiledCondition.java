package io.meshward.rules;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** A condition that can be tested against events. Immutable and thread-safe. */
public final class CompiledCondition {

  private final Condition condition;
  private final EventTest test;
  private final Set<FieldReference> fields;
  private final Map<FieldReference, Set<String>> requiredEqualities;
  private final List<ConditionProblem> warnings;

  CompiledCondition(
      Condition condition,
      EventTest test,
      Set<FieldReference> fields,
      Map<FieldReference, Set<String>> requiredEqualities,
      List<ConditionProblem> warnings) {
    this.condition = condition;
    this.test = test;
    this.fields = Set.copyOf(fields);
    this.requiredEqualities = Map.copyOf(requiredEqualities);
    this.warnings = List.copyOf(warnings);
  }

  /**
   * Whether the event fulfils the condition. A check whose field is missing is false, whatever its
   * operator ({@code !=} too).
   */
  public boolean test(FieldSource event) {
    return test.test(event);
  }

  /** What was compiled: macros and lists are resolved. */
  public Condition condition() {
    return condition;
  }

  /** Every field that may be asked for. */
  public Set<FieldReference> fields() {
    return fields;
  }

  /**
   * What must hold for the condition to be true, for an index over many: the event has each of
   * these fields, and its value's {@linkplain FieldValue#text text} is one of the constants. Only
   * single values of type {@link FieldType#STRING}, {@link FieldType#PATH}, {@link
   * FieldType#BOOLEAN} or {@link FieldType#DYNAMIC}; empty if nothing of the kind is required. An
   * empty set of constants means that the condition is never true.
   */
  public Map<FieldReference, Set<String>> requiredEqualities() {
    return requiredEqualities;
  }

  /** What looks like a mistake. */
  public List<ConditionProblem> warnings() {
    return warnings;
  }
}
