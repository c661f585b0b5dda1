package io.meshward.rules;

import io.meshward.rules.RuleCollection.MacroEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Puts macros into conditions, as syntax trees. Each macro is resolved once. Not thread-safe. */
final class MacroResolver {

  /** The most nodes that a condition may have in the end. */
  private static final int MAX_SIZE = 100_000;

  /** The deepest nesting that a condition may have in the end; a text alone cannot reach it. */
  static final int MAX_DEPTH = 500;

  /** A resolved condition with its extent. */
  private record Resolved(Condition condition, int size, int depth) {}

  /** Refuses a condition; without a problem if that was reported before. */
  private static final class Unresolvable extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient @Nullable Position position;

    Unresolvable(String message, @Nullable Position position) {
      super(message);
      this.position = position;
    }
  }

  private final RuleCollection collection;
  private final Map<String, MacroEntry> macros;
  private final ConditionAssembly assembly;
  private final Diagnostics diagnostics;
  private final Map<String, Optional<Resolved>> resolved = new HashMap<>();
  private final Set<String> path = new LinkedHashSet<>();
  private final Set<String> used = new HashSet<>();

  MacroResolver(RuleCollection collection, ConditionAssembly assembly, Diagnostics diagnostics) {
    this.collection = collection;
    this.macros = collection.macros();
    this.assembly = assembly;
    this.diagnostics = diagnostics;
  }

  /** Resolves every macro, to report what is wrong with those that no rule uses, too. */
  void resolveAll() {
    macros.values().forEach(this::macro);
  }

  /** Names of macros that rules or other macros use. */
  Set<String> used() {
    return used;
  }

  /** The condition without names of macros, or nothing if it cannot be: that is reported. */
  Optional<Condition> resolve(Condition condition, String item, Place place) {
    try {
      return Optional.of(resolve(condition, null).condition());
    } catch (Unresolvable e) {
      report(e, item, place);
      return Optional.empty();
    }
  }

  private void report(Unresolvable problem, String item, Place place) {
    if (problem.position != null) {
      diagnostics.error(
          DiagnosticCode.LOAD_ERR_COMPILE_CONDITION,
          item,
          String.valueOf(problem.getMessage()),
          problem.position.place().orElse(place));
    }
  }

  private Optional<Resolved> macro(MacroEntry macro) {
    Optional<Resolved> known = resolved.get(macro.name());
    if (known != null) {
      return known;
    }
    path.add(macro.name());
    Optional<Resolved> result = Optional.empty();
    String item = "macro '" + macro.name() + "'";
    try {
      Condition condition = assembly.assemble(macro.condition(), List.of());
      result = Optional.of(resolve(condition, macro));
    } catch (ConditionSyntaxException e) {
      diagnostics.error(
          DiagnosticCode.LOAD_ERR_COMPILE_CONDITION,
          item,
          e.getMessage(),
          e.position().place().orElse(macro.place()));
    } catch (Unresolvable e) {
      report(e, item, macro.place());
    }
    path.remove(macro.name());
    resolved.put(macro.name(), result);
    return result;
  }

  private Resolved resolve(Condition condition, @Nullable MacroEntry user) {
    return switch (condition) {
      case Condition.And(List<Condition> operands) -> {
        List<Resolved> all = all(operands, user);
        yield bounded(new Condition.And(conditions(all)), all);
      }
      case Condition.Or(List<Condition> operands) -> {
        List<Resolved> all = all(operands, user);
        yield bounded(new Condition.Or(conditions(all)), all);
      }
      case Condition.Not(Condition operand) -> {
        Resolved inner = resolve(operand, user);
        yield bounded(Condition.not(inner.condition()), List.of(inner));
      }
      case Condition.MacroReference(String name, Position position) ->
          reference(name, position, user);
      case Condition.Check check -> new Resolved(check, 1, 1);
    };
  }

  private List<Resolved> all(List<Condition> operands, @Nullable MacroEntry user) {
    List<Resolved> all = new ArrayList<>(operands.size());
    for (Condition operand : operands) {
      all.add(resolve(operand, user));
    }
    return all;
  }

  private static List<Condition> conditions(List<Resolved> all) {
    return all.stream().map(Resolved::condition).toList();
  }

  private static Resolved bounded(Condition condition, List<Resolved> operands) {
    long size = 1 + operands.stream().mapToLong(Resolved::size).sum();
    int depth = 1 + operands.stream().mapToInt(Resolved::depth).max().orElse(0);
    if (size > MAX_SIZE || depth > MAX_DEPTH) {
      throw new Unresolvable(
          "condition is too large with its macros: at most "
              + MAX_SIZE
              + " parts and "
              + MAX_DEPTH
              + " levels are allowed",
          Position.none());
    }
    return new Resolved(condition, (int) size, depth);
  }

  private Resolved reference(String name, Position position, @Nullable MacroEntry user) {
    MacroEntry macro = macros.get(name);
    if (macro == null && collection.wasRefused("macro", name)) {
      throw new Unresolvable("", null);
    }
    used.add(name);
    if (macro == null || (user != null && !assembly.sees(user, macro))) {
      String hint =
          macro == null
              ? Suggestion.sentence(name, macros.keySet())
              : ". It is defined only later.";
      throw new Unresolvable("Undefined macro '" + name + "' used in filter" + hint, position);
    }
    if (path.contains(name)) {
      throw new Unresolvable(
          "reference loop in macro '" + name + "': " + String.join(" -> ", path) + " -> " + name,
          position);
    }
    return macro(macro).orElseThrow(() -> new Unresolvable("", null));
  }
}
