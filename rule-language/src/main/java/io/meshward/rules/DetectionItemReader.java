package io.meshward.rules;

import io.meshward.rules.Correlation.Fire;
import io.meshward.rules.CountCondition.Comparator;
import io.meshward.rules.Definition.DetectionDefinition;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads an item that detects over several events: Sigma's correlation vocabulary (specification
 * 2.1.0), of which {@code event_count} is supported. One use per item.
 */
final class DetectionItemReader {

  /** The greatest count that a condition may name: what a window has to remember. */
  static final long MAX_COUNT = 10_000;

  private static final String EVENT_COUNT = "event_count";
  private static final Set<String> LATER_TYPES =
      Set.of(
          "value_count",
          "value_sum",
          "value_avg",
          "value_percentile",
          "value_median",
          "temporal",
          "temporal_ordered",
          "absence",
          "new_term",
          "rate",
          "overlap");
  private static final List<String> KEYS =
      List.of("detection", "desc", "priority", "output", "tags", "generate", "correlation");
  private static final List<String> CORRELATION_KEYS =
      List.of("type", "rules", "group-by", "timespan", "condition", "fire");
  private static final Map<String, Comparator> COMPARATORS =
      Stream.of(Comparator.values())
          .collect(
              Collectors.toUnmodifiableMap(
                  comparator -> comparator.name().toLowerCase(Locale.ROOT), Function.identity()));

  private final Item item;
  private final String name;

  DetectionItemReader(Item item, String name) {
    this.item = item;
    this.name = name;
  }

  /** The detection, or nothing if the item has errors. */
  Optional<Definition> read() {
    item.refuseUnknownKeys(KEYS);
    List.of("desc", "priority", "output", "correlation").forEach(item::require);
    Optional<SourceText> description = item.text("desc").map(SourceText::stripped);
    Optional<SourceText> output = item.text("output").map(SourceText::stripped);
    Optional<Priority> priority = item.priority();
    List<String> tags =
        item.texts("tags").orElse(List.of()).stream().map(SourceText::text).toList();
    boolean generate = item.flag("generate").orElse(false);
    Optional<Item> nested = item.item("correlation");
    if (nested.isEmpty()) {
      return Optional.empty();
    }
    Item correlation = nested.get();
    List<SourceText> rules = rules(correlation);
    List<SourceText> groupBy = correlation.textOrTexts("group-by");
    refuseTwice(correlation, "group-by", groupBy);
    Optional<Correlation> read = correlation(correlation, rules, groupBy);
    if (item.failed() || correlation.failed() || read.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new DetectionDefinition(
            name,
            item.placeOf("detection"),
            output.orElseThrow(),
            description.orElseThrow(),
            priority.orElseThrow(),
            tags,
            read.get(),
            rules,
            groupBy,
            generate));
  }

  private static List<SourceText> rules(Item correlation) {
    correlation.require("rules");
    List<SourceText> rules = correlation.textOrTexts("rules");
    if (rules.isEmpty() && correlation.has("rules") && !correlation.failed()) {
      correlation.error("'rules' is empty, expected at least one rule's name", "rules");
    }
    refuseTwice(correlation, "rules", rules);
    return rules;
  }

  private static void refuseTwice(Item correlation, String key, List<SourceText> texts) {
    Set<String> seen = new HashSet<>();
    for (SourceText text : texts) {
      if (!seen.add(text.text())) {
        correlation.error("'" + text.text() + "' is there twice in '" + key + "'", key);
      }
    }
  }

  private static Optional<Correlation> correlation(
      Item correlation, List<SourceText> rules, List<SourceText> groupBy) {
    correlation.refuseUnknownKeys(CORRELATION_KEYS);
    List.of("type", "timespan", "condition").forEach(correlation::require);
    correlation.text("type").ifPresent(type -> refuseOtherTypes(correlation, type.text()));
    Optional<Duration> timespan = timespan(correlation);
    Optional<CountCondition> condition =
        correlation.item("condition").flatMap(nested -> condition(correlation, nested));
    Fire fire = fire(correlation);
    if (correlation.failed() || timespan.isEmpty() || condition.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Correlation.EventCount(
            rules.stream().map(SourceText::text).toList(),
            groupBy.stream().map(SourceText::text).toList(),
            timespan.get(),
            condition.get(),
            fire));
  }

  private static void refuseOtherTypes(Item correlation, String type) {
    if (LATER_TYPES.contains(type)) {
      correlation.error(
          "correlation type '" + type + "' is not supported yet, expected " + EVENT_COUNT, "type");
    } else if (!type.equals(EVENT_COUNT)) {
      correlation.error("unknown correlation type '" + type + "', expected " + EVENT_COUNT, "type");
    }
  }

  private static Optional<Duration> timespan(Item correlation) {
    return correlation
        .text("timespan")
        .flatMap(
            text -> {
              Optional<Duration> timespan = Timespan.parse(text.text());
              if (timespan.isEmpty()) {
                correlation.error(
                    "'timespan' is '" + text.text() + "', expected " + Timespan.EXPECTED,
                    "timespan");
              }
              return timespan;
            });
  }

  private static Fire fire(Item correlation) {
    correlation
        .text("fire")
        .map(SourceText::text)
        .filter(fire -> !fire.equals("immediate"))
        .ifPresent(
            fire ->
                correlation.error(
                    fire.equals("settled")
                        ? "fire 'settled' is not supported yet, expected immediate"
                        : "unknown value '" + fire + "' of fire, expected immediate",
                    "fire"));
    return Fire.IMMEDIATE;
  }

  private static Optional<CountCondition> condition(Item correlation, Item nested) {
    Map<Comparator, Long> limits = new EnumMap<>(Comparator.class);
    for (String key : nested.mapping().entries().keySet()) {
      Comparator comparator = COMPARATORS.get(key);
      String limit = nested.text(key).map(SourceText::text).orElse("");
      if (comparator == null) {
        correlation.error(
            "unknown comparison '" + key + "' in 'condition', expected gt, gte, lt, lte, eq or neq",
            nested.mapping().placeOf(key));
      } else if (!limit.matches("[0-9]{1,9}") || Long.parseLong(limit) > MAX_COUNT) {
        correlation.error(
            "'" + key + "' is '" + limit + "', expected a number from 0 to " + MAX_COUNT,
            nested.mapping().placeOf(key));
      } else {
        limits.put(comparator, Long.valueOf(limit));
      }
    }
    if (correlation.failed() || nested.failed()) {
      return Optional.empty();
    }
    if (limits.isEmpty()) {
      correlation.error("'condition' is empty, expected a comparison such as gte: 3", "condition");
      return Optional.empty();
    }
    CountCondition condition = new CountCondition(limits);
    if (condition.holds(0)) {
      correlation.error(
          "the condition '"
              + condition
              + "' holds without any event: detecting absence is not"
              + " supported yet",
          "condition");
    } else if (!condition.canHold()) {
      correlation.error("no count fulfils the condition '" + condition + "'", "condition");
    }
    return Optional.of(condition);
  }
}
