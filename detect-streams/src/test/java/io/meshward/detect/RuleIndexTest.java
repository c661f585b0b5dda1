package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.rules.FieldSource;
import io.meshward.rules.Rule;
import io.meshward.rules.RuleSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RuleIndexTest {
  private static final List<String> FIELDS =
      List.of("proc.name", "proc.pname", "fd.name", "user.name", "ka.verb", "falco.field[x]");
  private static final List<String> VALUES = List.of("a", "b", "c", "true", "1");

  @Test
  void matchesWhatALinearScanMatches() {
    for (long seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      StringBuilder yaml = new StringBuilder();
      for (int n = 0; n < 40; n++) {
        yaml.append(rule("rule " + n, condition(random, 3)));
      }
      List<Rule> rules = Bench.rules(yaml.toString()).rules();
      RuleIndex index = new RuleIndex(rules);
      for (int n = 0; n < 200; n++) {
        FieldSource event = event(random);
        List<Rule> expected = rules.stream().filter(r -> r.condition().test(event)).toList();
        assertThat(index.test(event).rules()).as("seed %d, event %d", seed, n).isEqualTo(expected);
      }
    }
  }

  @Test
  void testsAnEventWithTheConditionsThatItCanFulfilOnly() {
    StringBuilder yaml = new StringBuilder();
    for (int n = 0; n < 500; n++) {
      yaml.append(rule("rule " + n, "proc.name = p" + n + " and fd.name startswith /x"));
    }
    yaml.append(rule("every", "fd.name startswith /x"));
    yaml.append(rule("listed", "proc.name in (p1, p2) and proc.pname in (a, b, c)"));
    RuleSet rules = Bench.rules(yaml.toString());
    RuleIndex index = new RuleIndex(rules.rules());

    RuleIndex.Matches matches = index.test(event(Map.of("proc.name", "p1", "fd.name", "/x/y")));
    assertThat(matches.rules()).extracting(Rule::name).containsExactly("rule 1", "every");
    assertThat(matches.evaluations()).isEqualTo(3);
    assertThat(index.test(event(Map.of())).evaluations()).isEqualTo(1);
  }

  @Test
  void aDisabledRuleIsNotInTheBook() {
    RuleSet rules =
        Bench.rules(rule("off", "proc.name = a").stripTrailing() + "\n  enabled: false\n");
    RuleBook book = RuleBook.of(rules, java.time.Duration.ZERO);
    assertThat(book.index("falco.alert").test(event(Map.of("proc.name", "a"))).rules()).isEmpty();
  }

  private static String rule(String name, String condition) {
    return """
    - rule: %s
      desc: d
      source: falco.alert
      condition: %s
      output: o
      priority: Notice
    """
        .formatted(name, condition);
  }

  private static String condition(Random random, int depth) {
    if (depth == 0 || random.nextInt(3) == 0) {
      return check(random);
    }
    String left = condition(random, depth - 1);
    String right = condition(random, depth - 1);
    return switch (random.nextInt(3)) {
      case 0 -> "(" + left + " and " + right + ")";
      case 1 -> "(" + left + " or " + right + ")";
      default -> "not (" + left + ")";
    };
  }

  private static String check(Random random) {
    String field = FIELDS.get(random.nextInt(FIELDS.size()));
    String value = VALUES.get(random.nextInt(VALUES.size()));
    String other = VALUES.get(random.nextInt(VALUES.size()));
    return switch (random.nextInt(6)) {
      case 0, 1 -> field + " = " + value;
      case 2 -> field + " in (" + value + ", " + other + ")";
      case 3 -> field + " != " + value;
      case 4 -> field + " exists";
      default -> field + " = anyof (" + value + ", " + other + ")";
    };
  }

  private static FieldSource event(Random random) {
    Map<String, Object> fields = new HashMap<>();
    for (String field : FIELDS) {
      switch (random.nextInt(5)) {
        case 0 -> fields.put(field, VALUES.get(random.nextInt(VALUES.size())));
        case 1 -> fields.put(field, random.nextBoolean());
        case 2 -> fields.put(field, (long) random.nextInt(3));
        case 3 -> fields.put(field, new ArrayList<>(List.of("a", "b")));
        default -> {}
      }
    }
    return event(fields);
  }

  private static FieldSource event(Map<String, ?> fields) {
    return reference -> fields.get(reference.toString());
  }
}
