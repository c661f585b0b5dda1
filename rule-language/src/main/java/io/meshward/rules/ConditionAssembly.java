package io.meshward.rules;

import java.util.List;
import java.util.Set;

/** How a dialect makes one condition of its parts, and resolves lists on the way. */
sealed interface ConditionAssembly permits TreeAssembly, TextAssembly {

  static ConditionAssembly of(Dialect dialect, RuleCollection collection) {
    return switch (dialect) {
      case MESHWARD -> new TreeAssembly(collection);
      case FALCO -> new TextAssembly(collection);
    };
  }

  /**
   * The condition, in which macros are not resolved yet.
   *
   * @param parts the condition's text and those that were appended
   * @param exceptions conditions that must hold too
   * @throws ConditionSyntaxException if a part is invalid or a list unknown
   */
  Condition assemble(List<SourceText> parts, List<SourceText> exceptions);

  /** Whether a macro may use another. */
  boolean sees(RuleCollection.MacroEntry user, RuleCollection.MacroEntry used);

  /** Names of lists that were used so far. */
  Set<String> usedLists();
}
