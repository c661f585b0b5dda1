package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

final class MeshwardTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void helpListsEveryCommandWithTheFirstLineOfItsOwnHelp() {
    CommandLine commandLine = commandLine();

    int exitCode = commandLine.execute("--help");

    assertThat(exitCode).isEqualTo(ExitCode.OK);
    assertThat(commandLine.getSubcommands()).isNotEmpty();
    for (Map.Entry<String, CommandLine> command : commandLine.getSubcommands().entrySet()) {
      String[] header = command.getValue().getCommandSpec().usageMessage().header();
      assertThat(header).as(command.getKey()).hasSize(1);
      assertThat(out.toString().replaceAll("\\s+", " "))
          .contains(" " + command.getKey() + " " + header[0]);
      assertThat(out.toString().lines().findFirst().orElseThrow()).contains(command.getKey());
    }
  }

  @Test
  void versionIsPrinted() {
    assertThat(commandLine().execute("--version")).isEqualTo(ExitCode.OK);
    assertThat(out.toString()).startsWith("meshward ");
  }

  @Test
  void unknownCommandIsAUsageErrorWithTheNearestOne() {
    assertThat(commandLine().execute("dmo")).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("dmo", "Did you mean", "demo", "--help");
  }

  @Test
  void unknownOptionIsAUsageErrorWithTheNearestOne() {
    assertThat(commandLine().execute("demo", "--bootstra=x")).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("--bootstra", "--bootstrap", "meshward demo --help");
  }

  @Test
  void noCommandIsAUsageError() {
    assertThat(commandLine().execute()).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("no command given");
  }

  private CommandLine commandLine() {
    return Meshward.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
  }
}
