package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.TopicCatalogue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TopicsCommandTest {
  private static EmbeddedKafka broker;

  @BeforeAll
  static void startBrokerWithAuthorizer() {
    broker =
        EmbeddedKafka.start(
            Map.of(
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users",
                "User:ANONYMOUS"));
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @Test
  void showsEveryTopicThatIsMissingAndNoneAfterApply() {
    CommandRun before = run("diff", "--prefix", "shown");
    CommandRun apply = run("apply", "--prefix", "shown");
    CommandRun after = run("diff", "--prefix", "shown");

    assertThat(before.exitCode()).isEqualTo(ExitCode.PROBLEMS);
    assertThat(before.out().lines())
        .hasSize(TopicCatalogue.all().size())
        .contains("+ topic shown.facts with 12 partitions");
    assertThat(apply.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(after.exitCode()).isEqualTo(ExitCode.OK);
  }

  @Test
  void givesAccessToWritersAndReadersAndTakesSurplusAccessAway() {
    List<String> wide =
        List.of("--acls", "--principal", "ingest=User:a", "--principal", "ingest=User:b");
    List<String> narrow = List.of("--acls", "--principal", "ingest=User:a");

    assertThat(run("apply", "guarded", wide).exitCode()).isEqualTo(ExitCode.OK);
    assertThat(run("diff", "guarded", wide).exitCode()).isEqualTo(ExitCode.OK);
    CommandRun surplus = run("diff", "guarded", narrow);
    assertThat(run("apply", "guarded", narrow).exitCode()).isEqualTo(ExitCode.OK);

    assertThat(surplus.out().lines())
        .contains("- acl User:b write on topic guarded.events.falco")
        .noneMatch(line -> line.contains("User:a"));
    assertThat(run("diff", "guarded", narrow).exitCode()).isEqualTo(ExitCode.OK);
  }

  @Test
  void namesARoleThatDoesNotExist() {
    CommandRun run = run("diff", "roles", List.of("--acls", "--principal", "boss=User:a"));

    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("boss=User:a").contains("mesh-runtime, ingest, detect");
  }

  @Test
  void saysWhichBrokerDoesNotAnswer() {
    CommandRun run =
        CommandRun.of("topics", "diff", "--bootstrap-servers", "127.0.0.1:1", "--timeout", "1");

    assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    assertThat(run.err()).contains("127.0.0.1:1");
  }

  private static CommandRun run(String command, String option, String prefix) {
    return CommandRun.of(
        "topics", command, "--bootstrap-servers", broker.bootstrapServers(), option, prefix);
  }

  private static CommandRun run(String command, String prefix, List<String> more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "topics",
                command,
                "--bootstrap-servers",
                broker.bootstrapServers(),
                "--prefix",
                prefix));
    arguments.addAll(more);
    return CommandRun.of(arguments.toArray(String[]::new));
  }
}
