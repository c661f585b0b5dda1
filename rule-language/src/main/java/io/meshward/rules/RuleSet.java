package io.meshward.rules;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Everything that was loaded from one or more rules files. Immutable and thread-safe. */
public final class RuleSet {

  private final Map<String, Rule> rules = new LinkedHashMap<>();
  private final List<Detection> detections;
  private final Set<String> silent;
  private final String version;

  RuleSet(List<Rule> rules, List<Detection> detections) {
    rules.forEach(rule -> this.rules.put(rule.name(), rule));
    this.detections = List.copyOf(detections);
    Set<String> correlated = new HashSet<>();
    Set<String> generated = new HashSet<>();
    for (Detection detection : detections) {
      correlated.addAll(detection.correlation().rules());
      if (detection.generate()) {
        generated.addAll(detection.correlation().rules());
      }
    }
    correlated.removeAll(generated);
    this.silent = Set.copyOf(correlated);
    this.version =
        ContentHash.of(
            this.rules.values().stream().map(Rule::version).toList(),
            detections.stream().map(Detection::version).toList());
  }

  /** A rule set without rules. */
  public static RuleSet empty() {
    return new RuleSet(List.of(), List.of());
  }

  /** All rules in the order of their definition, disabled ones too. */
  public List<Rule> rules() {
    return List.copyOf(rules.values());
  }

  /** The rule of a name. */
  public Optional<Rule> rule(String name) {
    return Optional.ofNullable(rules.get(name));
  }

  /** All detections over several events in the order of their definition. */
  public List<Detection> detections() {
    return detections;
  }

  /**
   * Whether a rule's match is a detection by itself: it is enabled, and no detection refers to it
   * or one of those that do says {@code generate}.
   */
  public boolean emits(Rule rule) {
    return rule.enabled() && !silent.contains(rule.name());
  }

  /** 12 hexadecimal digits of a hash over all versions. */
  public String version() {
    return version;
  }
}
