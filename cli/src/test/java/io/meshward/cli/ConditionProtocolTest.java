package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshward.rules.Dialect;
import io.meshward.rules.FieldCatalogue;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ConditionProtocolTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final FieldCatalogue FIELDS =
      FieldCatalogue.fromMap(
          Map.of(
              "proc.name", Map.of("type", "charbuf"),
              "proc.pname", Map.of("type", "charbuf"),
              "proc.pid", Map.of("type", "int64"),
              "proc.args", Map.of("type", "charbuf", "list", true),
              "proc.aname",
                  Map.of("type", "charbuf", "argument", "required", "argument-kind", "index"),
              "evt.is_io", Map.of("type", "bool")));

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
            "{\"condition\": \"" + "a".repeat(ConditionProtocol.MAX_LINE_BYTES) + "\"}",
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
    new ConditionProtocol(
            new ByteArrayInputStream(line), new PrintWriter(out), ConditionProtocol.parse())
        .run();

    assertThat(out.toString()).startsWith("{\"ok\":false,\"message\":\"not a JSON document");
  }

  @Test
  void saysWhatIsDoubtedOrDoesNotFitTheFields() throws IOException {
    List<String> answers =
        run(
            """
            {"condition": "proc.name = proc.pname\\n or proc.name regex abc"}
            {"condition": "proc.name = a and\\n proc.pid > x"}
            {"condition": "proc.pid = 1 and proc.nme = b"}
            {"condition": "a_macro"}
            """,
            ConditionProtocol.compile(FIELDS, Dialect.FALCO));

    assertThat(answers.getFirst())
        .startsWith("{\"ok\":true,\"canonical\":")
        .contains("{\"message\":\"'proc.pname' may be a valid field", "\"line\":1,\"column\":13}")
        .contains("\"line\":2,\"column\":21}");
    assertThat(answers.get(1))
        .isEqualTo(
            "{\"ok\":false,\"message\":\"expected a number value or a field\","
                + "\"line\":2,\"column\":13}");
    assertThat(answers.get(2)).contains("nonexistent field", "\"line\":1,\"column\":18}");
    assertThat(answers.get(3)).contains("unexpected identifier 'a_macro'");
  }

  @Test
  void evaluatesOverWhateverAnEventHolds() throws IOException {
    String event =
        """
        "event": {"proc.name": "sh", "proc": {"pid": 9007199254740993}, "proc.aname[2]": "sshd",\
         "proc.args": ["-c", "x"], "proc.pname": null, "evt.is_io": true}}
        """;
    List<String> conditions =
        List.of(
            "proc.name = sh",
            "proc.pid = 9007199254740993",
            "proc.pid = 9007199254740992",
            "proc.aname[2] = sshd",
            "proc.aname[3] exists",
            "proc.args intersects (x)",
            "proc.args in (x)",
            "proc.pname exists",
            "proc.pname != x",
            "evt.is_io = true",
            "toupper(proc.name) = SH");
    StringBuilder input = new StringBuilder();
    for (String condition : conditions) {
      input.append("{\"condition\": \"").append(condition).append("\", ").append(event);
    }
    input.append("{\"condition\": \"proc.name = a\"}\n");
    List<String> answers = run(input.toString(), ConditionProtocol.evaluate(FIELDS, Dialect.FALCO));

    assertThat(answers.subList(0, conditions.size()))
        .containsExactlyElementsOf(
            Stream.of(true, true, false, true, false, true, false, false, false, true, true)
                .map(result -> "{\"ok\":true,\"result\":" + result + "}")
                .toList());
    assertThat(answers.getLast())
        .startsWith("{\"ok\":false,\"message\":\"expected an object whose 'event' is an object\"");
  }

  private static List<String> run(String input) throws IOException {
    return run(input, ConditionProtocol.parse());
  }

  private static List<String> run(String input, ConditionProtocol.Question question)
      throws IOException {
    StringWriter out = new StringWriter();
    new ConditionProtocol(
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintWriter(out),
            question)
        .run();
    return out.toString().lines().toList();
  }
}
