package io.meshward.rules;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** An item of a rules file, checked for its form only. */
sealed interface Definition {

  String name();

  /** The place of the name. */
  Place place();

  /** What an item does with an earlier one of its name. */
  enum Mode {
    /** Defines it, or redefines it wholly. */
    DEFINE,
    APPEND,
    /** As {@link #DEFINE}, but said by an override. */
    REPLACE
  }

  record ListDefinition(String name, Place place, List<SourceText> items, Mode mode)
      implements Definition {
    public ListDefinition {
      items = List.copyOf(items);
    }
  }

  record MacroDefinition(String name, Place place, SourceText condition, Mode mode)
      implements Definition {}

  /**
   * A whole rule.
   *
   * @param source empty if the file does not say
   */
  record RuleDefinition(
      String name,
      Place place,
      Optional<String> source,
      SourceText condition,
      SourceText output,
      SourceText description,
      Priority priority,
      List<String> tags,
      List<ExceptionDefinition> exceptions,
      boolean enabled,
      boolean warnEventTypes,
      boolean skipIfUnknownFilter)
      implements Definition {}

  /** A change of an earlier rule: what is empty stays as it is. */
  record RuleChange(
      String name,
      Place place,
      Optional<String> source,
      Optional<Change<SourceText>> condition,
      Optional<Change<SourceText>> output,
      Optional<Change<SourceText>> description,
      Optional<Change<List<String>>> tags,
      Optional<Change<List<ExceptionDefinition>>> exceptions,
      Optional<Priority> priority,
      Optional<Boolean> enabled,
      Optional<Boolean> warnEventTypes,
      Optional<Boolean> skipIfUnknownFilter)
      implements Definition {

    /** Whether all that it does is to replace. */
    boolean onlyReplaces() {
      return isNoAppend(condition)
          && isNoAppend(output)
          && isNoAppend(description)
          && isNoAppend(tags)
          && isNoAppend(exceptions);
    }

    /** Whether all that it does is to switch the rule on or off. */
    boolean onlyEnables() {
      return enabled.isPresent()
          && Stream.of(condition, output, description, tags, exceptions, priority, warnEventTypes)
              .allMatch(Optional::isEmpty)
          && skipIfUnknownFilter.isEmpty();
    }

    private static boolean isNoAppend(Optional<? extends Change<?>> change) {
      return change.isEmpty() || !change.get().append();
    }
  }

  /**
   * An item that was refused for its form, so that nobody reports its name as unknown.
   *
   * @param kind {@code list}, {@code macro}, {@code rule} or {@code detection}
   */
  record Refused(String kind, String name, Place place) implements Definition {}

  /** A new value, or one to be joined with the old. */
  record Change<T>(boolean append, T value) {}

  /** An exception of a rule; what its values must look like depends on the fields. */
  record ExceptionDefinition(
      String name,
      Place place,
      Optional<YamlValue> fields,
      Optional<YamlValue> comparisons,
      Optional<YamlValue> values) {}

  /** What to detect over several events. */
  record DetectionDefinition(
      String name,
      Place place,
      SourceText output,
      SourceText description,
      Priority priority,
      List<String> tags,
      Correlation correlation,
      List<SourceText> rules,
      List<SourceText> groupBy,
      boolean generate)
      implements Definition {}
}
