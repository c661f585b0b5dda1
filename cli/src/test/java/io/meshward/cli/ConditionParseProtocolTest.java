package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConditionParseProtocolTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void answersEachLineInOrder() throws IOException {
    List<String> answers =
        run(
            """
            {"condition": "a.b=1 and  (c)"}
            {"condition": "a and\\n  b.c < x"}
            {"condition": "a.b = \\"é ü\\""}
            """);

    assertThat(answers)
        .containsExactly(
            "{\"ok\":true,\"canonical\":\"(a.b = 1 and c)\"}",
            "{\"ok\":false,\"message\":\"expected a number value or a field\","
                + "\"line\":2,\"column\":9}",
            "{\"ok\":true,\"canonical\":\"a.b = \\\"\\u00E9 \\u00FC\\\"\"}");
  }

  @Test
  void answersLinesThatAreNoSuchDocumentAndGoesOn() throws IOException {
    List<String> lines =
        List.of(
            "",
            "nonsense",
            "{\"condition\": 1}",
            "{}",
            "[]",
            "null",
            "{\"condition\": \"a\"} x",
            "{\"condition\": \"a\", \"condition\": \"b\"}",
            "{\"condition\": \"\\ud800\"",
            "{\"condition\": \"" + "a".repeat(ConditionParseProtocol.MAX_LINE_BYTES) + "\"}",
            "{\"condition\": \"a\"}");
    List<String> answers = run(String.join("\n", lines));

    assertThat(answers).hasSameSizeAs(lines);
    for (String answer : answers.subList(0, answers.size() - 1)) {
      JsonNode json = JSON.readTree(answer);
      assertThat(json.get("ok").asBoolean()).as(answer).isFalse();
      assertThat(json.get("message").asText()).isNotEmpty();
      assertThat(json.get("line").asInt()).isEqualTo(1);
      assertThat(json.get("column").asInt()).isPositive();
    }
    assertThat(answers.getLast()).isEqualTo("{\"ok\":true,\"canonical\":\"a\"}");
  }

  @Test
  void answersBytesThatAreNoText() throws IOException {
    StringWriter out = new StringWriter();
    byte[] line = "{\"condition\": \"a.b = ?\"}\n".getBytes(StandardCharsets.ISO_8859_1);
    line[21] = (byte) 0xff;
    new ConditionParseProtocol(new ByteArrayInputStream(line), new PrintWriter(out)).run();

    assertThat(out.toString()).startsWith("{\"ok\":false,\"message\":\"not a JSON document");
  }

  @Test
  void acceptsAndRefusesAsFalcoDoes() throws IOException {
    String folder = System.getenv("MESHWARD_TEST_CASES");
    assumeTrue(folder != null, "set MESHWARD_TEST_CASES to the folder of cases to run them");
    List<String> lines = Files.readAllLines(Path.of(folder, "falco-grammar.jsonl"));
    List<String> answers = run(String.join("\n", lines));

    List<String> failures = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      boolean accept = JSON.readTree(lines.get(i)).get("accept").asBoolean();
      if (JSON.readTree(answers.get(i)).get("ok").asBoolean() != accept) {
        failures.add(lines.get(i) + " " + answers.get(i));
      }
    }
    assertThat(failures).isEmpty();
  }

  private static List<String> run(String input) throws IOException {
    StringWriter out = new StringWriter();
    new ConditionParseProtocol(
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), new PrintWriter(out))
        .run();
    return out.toString().lines().toList();
  }
}
