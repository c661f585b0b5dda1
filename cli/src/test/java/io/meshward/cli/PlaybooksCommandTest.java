package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlaybooksCommandTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  @TempDir Path folder;

  @Test
  void checksFoldersAndFilesTogether() throws Exception {
    Path local =
        Files.writeString(
            folder.resolve("local.yaml"),
            """
            - playbook: svid-request-burst
              override: {mode: replace}
              mode: approve
            """);

    CommandRun run = CommandRun.of("playbooks", "check", SHIPPED.toString(), local.toString());

    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out().lines())
        .hasSize(5)
        .anyMatch(line -> line.matches("stolen-svid [0-9a-f]{12}"))
        .endsWith("ok: 4 playbooks in 5 files");
  }

  @Test
  void showsWhereWhatIsWrong() throws Exception {
    Path bad =
        Files.writeString(
            folder.resolve("bad.yaml"),
            """
            - playbook: burst
              desc: Answers a burst.
              match: detection.tag intersects (burst)
              steps:
                - action: workload.stop
              recover: {mode: manual}
            """);

    CommandRun run = CommandRun.of("playbooks", "check", bad.toString());

    assertThat(run.exitCode()).isEqualTo(ExitCode.PROBLEMS);
    assertThat(run.out())
        .contains(bad + ":3:")
        .contains("did you mean 'detection.tags'?")
        .contains(bad + ":5:")
        .contains("there is no action 'workload.stop'")
        .contains("invalid: 2 problems");
  }

  @Test
  void aFileThatCannotBeReadIsAUsageError() {
    CommandRun run = CommandRun.of("playbooks", "check", folder.resolve("none.yaml").toString());

    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("none.yaml").contains("expected a YAML file");
  }
}
