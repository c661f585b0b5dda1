package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Properties of compiled conditions over random conditions and events. */
class CompiledConditionTest {

  private static final int CONDITIONS = 4_000;
  private static final int EVENTS = 25;

  @Test
  void agreesWithANaiveInterpreter() {
    int truths = 0;
    for (long seed = 0; seed < CONDITIONS; seed++) {
      TypedConditions random = new TypedConditions(Seeded.random(seed));
      Condition condition = random.condition(3);
      CompiledCondition compiled = ConditionCompiler.compile(condition, TypedConditions.CATALOGUE);
      for (int i = 0; i < EVENTS; i++) {
        Map<String, Object> event = random.event();
        boolean expected = new NaiveInterpreter(event).holds(condition);
        assertThat(compiled.test(source(event)))
            .as("seed %d: %s over %s", seed, condition, event)
            .isEqualTo(expected);
        truths += expected ? 1 : 0;
      }
    }
    assertThat(truths).isBetween(CONDITIONS * EVENTS / 10, CONDITIONS * EVENTS * 9 / 10);
  }

  @Test
  void whatIsTrueHasTheRequiredEqualities() {
    int required = 0;
    for (long seed = 0; seed < CONDITIONS; seed++) {
      TypedConditions random = new TypedConditions(Seeded.random(seed));
      Condition condition = random.condition(2);
      CompiledCondition compiled = ConditionCompiler.compile(condition, TypedConditions.CATALOGUE);
      for (int i = 0; i < EVENTS; i++) {
        Map<String, Object> event = random.event();
        if (!compiled.test(source(event))) {
          continue;
        }
        for (Map.Entry<FieldReference, Set<String>> each :
            compiled.requiredEqualities().entrySet()) {
          Object value = event.get(each.getKey().name());
          assertThat(value == null ? null : FieldValue.text(value))
              .as("seed %d: %s over %s", seed, condition, event)
              .isIn(each.getValue());
          required++;
        }
      }
    }
    assertThat(required).isGreaterThan(500);
  }

  @Test
  void asksOnlyForItsFields() {
    for (long seed = 0; seed < 500; seed++) {
      TypedConditions random = new TypedConditions(Seeded.random(seed));
      CompiledCondition compiled =
          ConditionCompiler.compile(random.condition(3), TypedConditions.CATALOGUE);
      Map<String, Object> event = random.event();
      compiled.test(
          field -> {
            assertThat(compiled.fields()).contains(field);
            return event.get(field.name());
          });
    }
  }

  @Test
  void requiresWhatEveryWayToTruthNeeds() {
    assertThat(required("text.a = a and (text.b in (b, c) or text.b = d) and number.a > 1"))
        .isEqualTo(Map.of("text.a", Set.of("a"), "text.b", Set.of("b", "c", "d")));
    assertThat(required("text.a in (a, b) and text.a in (b, c)"))
        .isEqualTo(Map.of("text.a", Set.of("b")));
    assertThat(required("text.a = a or text.b = b")).isEmpty();
    assertThat(required("not text.a = a")).isEmpty();
    assertThat(required("text.a != a")).isEmpty();
    assertThat(required("text.a = anyof (a, b)")).isEqualTo(Map.of("text.a", Set.of("a", "b")));
    assertThat(required("text.a in ()")).isEqualTo(Map.of("text.a", Set.of()));
    assertThat(required("any.a = 5")).isEqualTo(Map.of("any.a", Set.of("5")));
    assertThat(required("any.a in (5)")).as("an empty list is in every list").isEmpty();
    assertThat(required("truth.a = true")).isEqualTo(Map.of("truth.a", Set.of("true")));
    assertThat(required("texts.a in (a)")).isEmpty();
    assertThat(required("tolower(text.a) = a")).isEmpty();
    assertThat(required("text.a = val(text.b)")).isEmpty();
  }

  private static Map<String, Set<String>> required(String condition) {
    return ConditionCompiler.compile(ConditionParser.parse(condition), TypedConditions.CATALOGUE)
        .requiredEqualities()
        .entrySet()
        .stream()
        .collect(
            java.util.stream.Collectors.toMap(entry -> entry.getKey().name(), Map.Entry::getValue));
  }

  static FieldSource source(Map<String, ?> event) {
    return field -> event.get(field.toString());
  }

  @Test
  void survivesTheDeepestConditionOnASmallStack() throws InterruptedException {
    Condition chain = ConditionParser.parse("text.a = a");
    for (int i = 0; i < MacroResolver.MAX_DEPTH / 2 - 1; i++) {
      chain = Condition.not(new Condition.And(List.of(ConditionParser.parse("text.a = a"), chain)));
    }
    Condition deepest = chain;
    Throwable[] failure = new Throwable[1];
    Thread thread =
        new Thread(
            null,
            () -> {
              CompiledCondition compiled =
                  ConditionCompiler.compile(deepest, TypedConditions.CATALOGUE);
              assertThat(compiled.test(source(Map.of("text.a", "a")))).isFalse();
              assertThat(deepest.canonical()).startsWith("not (text.a = a and not");
            },
            "small stack",
            512 * 1024);
    thread.setUncaughtExceptionHandler((ignored, e) -> failure[0] = e);
    thread.start();
    thread.join();
    assertThat(failure[0]).isNull();
  }
}
