package io.meshward.detect;

import io.meshward.rules.Correlation;
import io.meshward.rules.CountCondition;
import io.meshward.rules.Detection;
import io.meshward.rules.Rule;
import io.meshward.rules.RuleSet;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** One set of rules as the topology uses it: an immutable snapshot. Thread-safe. */
final class RuleBook {
  private static final RuleIndex NOTHING = new RuleIndex(List.of());

  private final RuleSet rules;
  private final Map<String, RuleIndex> bySource;
  private final Map<String, Correlated> detections = new LinkedHashMap<>();
  private final Map<String, List<Detection>> byRule;

  /** A detection over several events, and what counts them. */
  record Correlated(Detection rule, EventCount window) {}

  private RuleBook(RuleSet rules, Duration lateArrival) {
    this.rules = rules;
    this.bySource =
        rules.rules().stream()
            .filter(Rule::enabled)
            .collect(
                Collectors.groupingBy(
                    Rule::source,
                    Collectors.collectingAndThen(Collectors.toList(), RuleIndex::new)));
    Map<String, List<Detection>> counted = new HashMap<>();
    for (Detection detection : rules.detections()) {
      Correlation correlation = detection.correlation();
      detections.put(detection.name(), new Correlated(detection, window(correlation, lateArrival)));
      for (String rule : correlation.rules()) {
        counted.computeIfAbsent(rule, name -> new java.util.ArrayList<>()).add(detection);
      }
    }
    this.byRule =
        counted.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(Map.Entry::getKey, e -> List.copyOf(e.getValue())));
  }

  /**
   * Makes rules ready to run.
   *
   * @param lateArrival how much longer than its timespan a window waits for facts that come late
   * @throws IllegalArgumentException if a window would have to remember more than it may
   */
  static RuleBook of(RuleSet rules, Duration lateArrival) {
    rules.detections().forEach(RuleBook::requireBounded);
    return new RuleBook(rules, lateArrival);
  }

  /** The rules of a source. */
  RuleIndex index(String source) {
    return bySource.getOrDefault(source, NOTHING);
  }

  /** Whether a rule's match is a detection by itself. */
  boolean emits(Rule rule) {
    return rules.emits(rule);
  }

  /** The detections that count a rule's matches. */
  List<Detection> countedBy(Rule rule) {
    return byRule.getOrDefault(rule.name(), List.of());
  }

  /** The detection over several events of a name. */
  Optional<Correlated> correlated(String name) {
    return Optional.ofNullable(detections.get(name));
  }

  /** What was loaded. */
  RuleSet rules() {
    return rules;
  }

  private static EventCount window(Correlation correlation, Duration lateArrival) {
    return switch (correlation) {
      case Correlation.EventCount count ->
          new EventCount(
              count.timespan().toMillis(), lateArrival.toMillis(), count.condition()::holds);
    };
  }

  private static void requireBounded(Detection detection) {
    switch (detection.correlation()) {
      case Correlation.EventCount count -> {
        Function<CountCondition, Optional<Long>> beyond =
            condition ->
                condition.limits().values().stream()
                    .filter(limit -> limit >= EventCount.MAX_WAITING)
                    .findAny();
        beyond
            .apply(count.condition())
            .ifPresent(
                limit -> {
                  throw new IllegalArgumentException(
                      "detection '"
                          + detection.name()
                          + "' counts to "
                          + limit
                          + ": expected less than "
                          + EventCount.MAX_WAITING);
                });
      }
    }
  }
}
