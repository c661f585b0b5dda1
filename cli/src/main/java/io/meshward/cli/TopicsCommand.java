package io.meshward.cli;

import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.daemon.TopicAdminException;
import io.meshward.daemon.TopicDifference;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Compares a broker's topics with the catalogue, or makes them agree. */
@Command(
    name = "topics",
    description = "Compares a broker's topics with the catalogue, or makes them agree.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class TopicsCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command given: expected diff or apply");
  }

  /** Shows what differs; exits with 1 if something does. */
  @Command(
      name = "diff",
      description = "Shows what differs; exits with 1 if something does.",
      mixinStandardHelpOptions = true)
  int diff(@Mixin BrokerOptions broker) {
    return broker.with(
        spec,
        topics -> {
          List<TopicDifference> differences = new ArrayList<>(topics.diff());
          if (broker.acls) {
            differences.addAll(topics.diffAcls(broker.principals(spec)));
          }
          differences.forEach(difference -> print(difference.describe()));
          if (differences.isEmpty()) {
            print("Nothing differs: " + TopicCatalogue.all().size() + " topics are as declared.");
          }
          return differences.isEmpty() ? ExitCode.OK : ExitCode.PROBLEMS;
        });
  }

  /** Makes the broker agree; exits with 1 if something cannot be changed. */
  @Command(
      name = "apply",
      description = "Makes the broker agree; exits with 1 if something cannot be changed.",
      mixinStandardHelpOptions = true)
  int apply(@Mixin BrokerOptions broker) {
    return broker.with(
        spec,
        topics -> {
          List<TopicDifference> differences = new ArrayList<>(topics.apply());
          if (broker.acls) {
            differences.addAll(topics.applyAcls(broker.principals(spec)));
          }
          differences.forEach(difference -> print(difference.describe()));
          boolean left = !differences.stream().allMatch(TopicDifference::applicable);
          print(
              left
                  ? "Applied what can be changed; lines with ! need a person."
                  : "The broker agrees with the catalogue.");
          return left ? ExitCode.PROBLEMS : ExitCode.OK;
        });
  }

  private void print(String line) {
    spec.commandLine().getOut().println(line);
  }

  /** How to reach the broker, and for whom access is wanted. */
  static final class BrokerOptions {
    @Mixin private BrokerConnection broker = new BrokerConnection();

    @Option(
        names = "--acls",
        description = "Also access control entries for the catalogue's writers and readers.")
    private boolean acls;

    @Option(
        names = "--principal",
        paramLabel = "ROLE=PRINCIPAL",
        description =
            "Who plays a role, such as ingest=User:spiffe://example.org/ingest; may be repeated"
                + " (default: User:ROLE for each role).")
    private List<String> principals = List.of();

    @Option(
        names = "--timeout",
        paramLabel = "SECONDS",
        description = "How long one answer of the broker may take (default: ${DEFAULT-VALUE}).")
    private int timeoutSeconds = 30;

    int with(CommandSpec spec, TopicWork work) {
      KafkaConfig kafka = broker.config(spec);
      Map<String, Object> settings = kafka.admin("meshward-topics");
      settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeoutSeconds * 1000);
      settings.putIfAbsent(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, 5000);
      try (Admin admin = Admin.create(settings)) {
        return work.run(new TopicAdmin(admin, kafka.prefix(), Duration.ofSeconds(timeoutSeconds)));
      } catch (TopicAdminException | KafkaException e) {
        throw broker.unreachable(e);
      }
    }

    Map<Topic.Role, List<String>> principals(CommandSpec spec) {
      Map<Topic.Role, List<String>> byRole = new EnumMap<>(Topic.Role.class);
      for (String principal : principals) {
        String[] parts = principal.split("=", 2);
        Topic.Role role =
            Arrays.stream(Topic.Role.values())
                .filter(candidate -> candidate.label().equals(parts[0]))
                .findFirst()
                .filter(_ -> parts.length == 2 && parts[1].contains(":"))
                .orElseThrow(
                    () ->
                        new ParameterException(
                            spec.commandLine(),
                            "--principal is '"
                                + principal
                                + "': expected ROLE=TYPE:NAME with a role of "
                                + Arrays.stream(Topic.Role.values())
                                    .map(Topic.Role::label)
                                    .collect(Collectors.joining(", "))));
        byRole.computeIfAbsent(role, _ -> new ArrayList<>()).add(parts[1]);
      }
      if (byRole.isEmpty()) {
        Arrays.stream(Topic.Role.values())
            .forEach(role -> byRole.put(role, List.of("User:" + role.label())));
      }
      return byRole;
    }
  }

  /** What is done with a broker's topics; its result is the exit code. */
  @FunctionalInterface
  interface TopicWork {
    int run(TopicAdmin topics);
  }
}
