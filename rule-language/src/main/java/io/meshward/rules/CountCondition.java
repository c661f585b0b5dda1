package io.meshward.rules;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a count must be: {@code {gte: 3, lt: 10}}, all of which must hold. Immutable.
 *
 * @param limits at least one
 */
public record CountCondition(Map<Comparator, Long> limits) {

  /** Sigma's comparisons. */
  public enum Comparator {
    GT,
    GTE,
    LT,
    LTE,
    EQ,
    NEQ;

    boolean holds(long count, long limit) {
      return switch (this) {
        case GT -> count > limit;
        case GTE -> count >= limit;
        case LT -> count < limit;
        case LTE -> count <= limit;
        case EQ -> count == limit;
        case NEQ -> count != limit;
      };
    }
  }

  public CountCondition {
    if (limits.isEmpty()) {
      throw new IllegalArgumentException("a condition without comparison");
    }
    limits = Map.copyOf(limits);
  }

  /** Whether a count fulfils every comparison. */
  public boolean holds(long count) {
    for (Map.Entry<Comparator, Long> limit : limits.entrySet()) {
      if (!limit.getKey().holds(count, limit.getValue())) {
        return false;
      }
    }
    return true;
  }

  /** Whether any count does. */
  boolean canHold() {
    return limits.values().stream()
        .flatMap(limit -> Stream.of(limit - 1, limit, limit + 1))
        .anyMatch(this::holds);
  }

  /** In a fixed order: {@code gte 3, lt 10}. */
  @Override
  public String toString() {
    return new EnumMap<>(limits)
        .entrySet().stream()
            .map(limit -> limit.getKey().name().toLowerCase(Locale.ROOT) + " " + limit.getValue())
            .collect(Collectors.joining(", "));
  }
}
