package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
        .contains("expected check or parse");
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
