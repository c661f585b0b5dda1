package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class RulesCommandTest {
  private static final String RULE =
      """
      - rule: Shell
        desc: a shell
        source: falco.alert
        condition: proc.name = sh
        output: "%proc.name"
        priority: info
      """;

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void checksFilesAndFoldersTogether() throws IOException {
    Path rules = Files.createDirectory(folder.resolve("rules"));
    Files.writeString(
        rules.resolve("b.yml"), "- {rule: Shell, enabled: false, override: {enabled: replace}}\n");
    Files.writeString(rules.resolve("a.yaml"), RULE);
    Files.writeString(rules.resolve("notes.txt"), "no rules");
    Path other = Files.writeString(folder.resolve("other.txt"), RULE.replace("Shell", "Other"));

    assertThat(run("check", rules.toString(), other.toString())).isEqualTo(ExitCode.OK);
    assertThat(out.toString()).isEqualToIgnoringNewLines("ok: 2 rules, 0 detections in 3 files");
  }

  @Test
  void exitsWithOneIfTheyDoNotLoad() throws IOException {
    Path file =
        Files.writeString(folder.resolve("rules.yaml"), RULE.replace("proc.name =", "no.such ="));

    assertThat(run("check", file.toString())).isEqualTo(ExitCode.PROBLEMS);
    assertThat(out.toString()).contains(file + ":4:14: error: rule 'Shell': nonexistent field");
  }

  @Test
  void exitsWithTwoIfAFileCannotBeRead() throws IOException {
    Path latin =
        Files.write(folder.resolve("latin.yaml"), "# \u00fc".getBytes(StandardCharsets.ISO_8859_1));
    Path empty = Files.createDirectory(folder.resolve("empty"));

    assertThat(run("check", folder.resolve("missing.yaml").toString())).isEqualTo(ExitCode.USAGE);
    assertThat(run("check", latin.toString())).isEqualTo(ExitCode.USAGE);
    assertThat(run("check", empty.toString())).isEqualTo(ExitCode.USAGE);
    assertThat(run("check")).isEqualTo(ExitCode.USAGE);
    assertThat(run()).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString())
        .contains("missing.yaml does not exist")
        .contains("latin.yaml is not UTF-8")
        .contains("empty is a folder without *.yaml or *.yml files")
        .contains("expected check, parse, compile or eval");
  }

  @Test
  void checksFalcosFilesWithFalcosFields() throws IOException {
    Path fields =
        Files.writeString(
            folder.resolve("fields.json"), "{\"proc.name\": {\"type\": \"charbuf\"}}");
    Path rules =
        Files.writeString(
            folder.resolve("rules.yaml"),
            RULE.replace("  source: falco.alert\n", "") + "- {detection: unknown to Falco}\n");

    assertThat(run("check", "--dialect", "falco", "--fields", fields.toString(), rules.toString()))
        .isEqualTo(ExitCode.OK);
    assertThat(out.toString()).contains("Unknown top level item", "ok: 1 rule, 0 detections");
    assertThat(run("check", "--fields", fields.toString(), rules.toString()))
        .isEqualTo(ExitCode.PROBLEMS);
  }

  @Test
  void saysWhatIsWrongWithACatalogueOfFields() throws IOException {
    for (String text :
        List.of("", "[]", "{\"a.b\": {\"type\": \"x\"}}", "{\"a.b\": {}, \"a.b\": {}}")) {
      Path fields = Files.writeString(folder.resolve("fields.json"), text);
      assertThat(run("compile", "--fields", fields.toString())).as(text).isEqualTo(ExitCode.USAGE);
      assertThat(err.toString()).contains("fields.json is no catalogue of fields: ");
      err.getBuffer().setLength(0);
    }
    assertThat(run("eval", "--fields", folder.resolve("none.json").toString()))
        .isEqualTo(ExitCode.USAGE);
    assertThat(run("compile")).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void parsesWhatFalcoParses() throws IOException {
    List<JsonNode> cases = cases("falco-grammar.jsonl");
    List<JsonNode> answers = answers(cases, "parse");
    for (int i = 0; i < cases.size(); i++) {
      assertThat(answers.get(i).get("ok"))
          .as(cases.get(i).toString())
          .isEqualTo(cases.get(i).get("accept"));
    }
  }

  @Test
  void compilesWhatFalcoCompilesWithAsManyWarnings() throws IOException {
    List<JsonNode> cases = cases("falco-compile.jsonl");
    List<JsonNode> answers = answers(cases, "compile", "--fields", casesFile("fields.json"));
    for (int i = 0; i < cases.size(); i++) {
      assertThat(answers.get(i).get("ok"))
          .as(cases.get(i).toString())
          .isEqualTo(cases.get(i).get("compiles"));
      assertThat(answers.get(i).path("warnings").size())
          .as(cases.get(i).toString())
          .isEqualTo(cases.get(i).get("warnings").intValue());
    }
  }

  @Test
  void evaluatesAsFalcoDoes() throws IOException {
    List<JsonNode> cases = cases("falco-truth.jsonl");
    JsonNode event =
        JSON.readTree(
            """
            {"c.true": "1", "c.false": "0", "c.singlequote": "hello 'quoted'",
             "c.doublequote": "hello \\"quoted\\""}
            """);
    cases.forEach(each -> ((ObjectNode) each).set("event", event));
    List<JsonNode> answers = answers(cases, "eval", "--fields", casesFile("fields.json"));
    for (int i = 0; i < cases.size(); i++) {
      assertThat(answers.get(i).get("result"))
          .as(cases.get(i).toString())
          .isEqualTo(cases.get(i).get("result"));
    }
  }

  private static String casesFile(String name) {
    String cases = System.getenv("MESHWARD_TEST_CASES");
    assumeTrue(cases != null, "set MESHWARD_TEST_CASES to the folder of cases to run them");
    return cases + "/" + name;
  }

  private static List<JsonNode> cases(String name) throws IOException {
    List<JsonNode> cases = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(casesFile(name)))) {
      cases.add(JSON.readTree(line));
    }
    return cases;
  }

  /** What a command prints for documents on its standard input. */
  private List<JsonNode> answers(List<JsonNode> documents, String... arguments) throws IOException {
    InputStream before = System.in;
    String input = documents.stream().map(JsonNode::toString).collect(Collectors.joining("\n"));
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    try {
      assertThat(run(arguments)).isEqualTo(ExitCode.OK);
    } finally {
      System.setIn(before);
    }
    List<JsonNode> answers = new ArrayList<>();
    for (String line : out.toString().lines().toList()) {
      answers.add(JSON.readTree(line));
    }
    assertThat(answers).hasSameSizeAs(documents);
    return answers;
  }

  private int run(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "rules";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    CommandLine commandLine = Meshward.commandLine();
    commandLine.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return commandLine.execute(all);
  }
}
