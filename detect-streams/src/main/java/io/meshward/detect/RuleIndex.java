package io.meshward.detect;

import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldSource;
import io.meshward.rules.FieldValue;
import io.meshward.rules.Rule;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one source, by what an event must have to match them.
 *
 * <p>A rule stands under the constants of one field, the one with the fewest, if its condition
 * requires an equality; else it is tested with every event. An event then meets few conditions
 * however many rules there are, and the same rules match as if all were tested. Immutable and
 * thread-safe.
 */
final class RuleIndex {
  private final List<Rule> rules;
  private final Map<FieldReference, Map<String, BitSet>> byConstant = new HashMap<>();
  private final BitSet always = new BitSet();

  RuleIndex(List<Rule> rules) {
    this.rules = List.copyOf(rules);
    for (int position = 0; position < this.rules.size(); position++) {
      enter(position, this.rules.get(position).condition().requiredEqualities());
    }
  }

  private void enter(int position, Map<FieldReference, Set<String>> required) {
    Optional<Map.Entry<FieldReference, Set<String>>> narrowest =
        required.entrySet().stream()
            .min(
                Comparator.comparingInt(
                        (Map.Entry<FieldReference, Set<String>> entry) -> entry.getValue().size())
                    .thenComparing(entry -> entry.getKey().toString()));
    if (narrowest.isEmpty()) {
      always.set(position);
      return;
    }
    Map<String, BitSet> constants =
        byConstant.computeIfAbsent(narrowest.get().getKey(), field -> new HashMap<>());
    for (String constant : narrowest.get().getValue()) {
      constants.computeIfAbsent(constant, text -> new BitSet()).set(position);
    }
  }

  /**
   * What came of an event.
   *
   * @param rules the rules that it matches, in the order of their definition
   * @param evaluations how many conditions it was tested with
   */
  record Matches(List<Rule> rules, int evaluations) {}

  /** Tests an event with the conditions that it can fulfil. */
  Matches test(FieldSource event) {
    BitSet candidates = candidates(event);
    List<Rule> matching = new ArrayList<>();
    for (int at = candidates.nextSetBit(0); at >= 0; at = candidates.nextSetBit(at + 1)) {
      if (rules.get(at).condition().test(event)) {
        matching.add(rules.get(at));
      }
    }
    return new Matches(matching, candidates.cardinality());
  }

  private BitSet candidates(FieldSource event) {
    BitSet candidates = (BitSet) always.clone();
    byConstant.forEach(
        (field, constants) -> {
          Object value = event.value(field);
          BitSet under = value == null ? null : constants.get(text(value));
          if (under != null) {
            candidates.or(under);
          }
        });
    return candidates;
  }

  private static @Nullable String text(Object value) {
    return FieldValue.text(value);
  }
}
