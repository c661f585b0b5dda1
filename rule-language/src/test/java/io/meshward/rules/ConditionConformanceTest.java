package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Conditions of Falco's own tests: grammar, types and truth. */
class ConditionConformanceTest {

  @Test
  void grammarCasesHoldAlsoWithOtherBlanks() {
    List<String> failures = new ArrayList<>();
    for (JsonNode each : Cases.lines("falco-grammar.jsonl")) {
      String condition = each.get("condition").asText();
      boolean accept = each.get("accept").asBoolean();
      if (accepts(condition) != accept) {
        failures.add(condition);
      } else if (accept) {
        if (!accepts(condition.replace(' ', '\t')) || !accepts(condition.replace(' ', '\n'))) {
          failures.add("with other blanks: " + condition);
        }
        Condition parsed = ConditionParser.parse(condition);
        if (!ConditionParser.parse(parsed.canonical()).equals(parsed)) {
          failures.add("canonical: " + parsed.canonical() + " of " + condition);
        }
      }
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void compileCasesHold() {
    FieldCatalogue fields = Cases.fields();
    List<String> failures = new ArrayList<>();
    for (JsonNode each : Cases.lines("falco-compile.jsonl")) {
      String condition = each.get("condition").asText();
      int warnings = each.get("compiles").asBoolean() ? each.get("warnings").asInt() : -1;
      if (warnings(condition, fields) != warnings) {
        failures.add(condition);
      }
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void truthCasesHold() {
    FieldCatalogue fields = Cases.fields();
    Map<String, String> event =
        Map.of(
            "c.true", "1",
            "c.false", "0",
            "c.singlequote", "hello 'quoted'",
            "c.doublequote", "hello \"quoted\"");
    for (JsonNode each : Cases.lines("falco-truth.jsonl")) {
      String condition = each.get("condition").asText();
      CompiledCondition compiled =
          ConditionCompiler.compile(ConditionParser.parse(condition), fields, Dialect.FALCO);
      assertThat(compiled.test(field -> event.get(field.name())))
          .as(condition)
          .isEqualTo(each.get("result").asBoolean());
    }
  }

  private static boolean accepts(String condition) {
    try {
      ConditionParser.parse(condition);
      return true;
    } catch (ConditionSyntaxException e) {
      return false;
    }
  }

  /** The number of warnings, or -1 if the condition does not compile. */
  private static int warnings(String condition, FieldCatalogue fields) {
    try {
      return ConditionCompiler.compile(ConditionParser.parse(condition), fields, Dialect.FALCO)
          .warnings()
          .size();
    } catch (ConditionSyntaxException | ConditionCompileException e) {
      return -1;
    }
  }
}
