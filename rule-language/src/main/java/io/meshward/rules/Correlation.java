package io.meshward.rules;

import java.time.Duration;
import java.util.List;

/**
 * What a {@link Detection} counts over several events: Sigma's correlations. Each kind is computed
 * per group, that is per combination of values of the {@link #groupBy} fields.
 */
public sealed interface Correlation {

  /** Names of the rules whose matches it sees; at least one, no name twice. */
  List<String> rules();

  /** Names of the fields, written with their arguments, that part the events into groups. */
  List<String> groupBy();

  /** The window: how far the events may lie apart. Positive. */
  Duration timespan();

  /** When a window is judged. */
  Fire fire();

  /** How often the rules match within the timespan (Sigma's {@code event_count}). */
  record EventCount(
      List<String> rules,
      List<String> groupBy,
      Duration timespan,
      CountCondition condition,
      Fire fire)
      implements Correlation {
    public EventCount {
      rules = List.copyOf(rules);
      groupBy = List.copyOf(groupBy);
    }
  }

  /** When a window is judged. */
  enum Fire {
    /** As soon as an event completes it, in the order of arrival. */
    IMMEDIATE
  }
}
