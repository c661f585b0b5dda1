package io.meshward.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Plays the stories of Meshward on embedded parts, or on real ones. */
@Command(
    name = "demo",
    description = {
      "Attacks a small shop three times, and shows what Meshward does about it.",
      "",
      "Kafka, the Workload API and Kubernetes are embedded unless real ones are named, in any"
          + " combination. On real ones it works under a new topic prefix and in a new namespace,"
          + " and removes both at the end. Exits with 0 only if everything held."
    },
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
  private static final Duration CLEAN_UP = Duration.ofSeconds(90);

  @Option(
      names = "--bootstrap",
      paramLabel = "HOST:PORT[,…]",
      description = "Kafka brokers to use instead of the embedded one.")
  private @Nullable String bootstrap;

  @Option(
      names = "--workload-api",
      paramLabel = "unix:/PATH",
      description =
          "The Workload API of a SPIRE agent to use instead of the embedded one; the entries it"
              + " needs are printed.")
  private @Nullable String workloadApi;

  @Option(
      names = "--trust-domain",
      paramLabel = "NAME",
      description = "The trust domain of the SVIDs (default: ${DEFAULT-VALUE}).")
  private String trustDomain = "example.org";

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "A cluster to use instead of the embedded API, by its kubeconfig.")
  private @Nullable Path kubeconfig;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Also write the result there, as JSON.")
  private @Nullable Path report;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Parts.Options options =
        new Parts.Options(
            Optional.ofNullable(bootstrap),
            Optional.ofNullable(workloadApi),
            Optional.ofNullable(kubeconfig),
            trustDomain,
            0,
            true);
    if (report != null) {
      requireWritable(report);
    }
    return new Session(spec, CLEAN_UP)
        .run(
            (timeline, resources, logs) -> new Demo(options, timeline, resources, logs).run(),
            this::conclude);
  }

  private int conclude(DemoReport result) {
    result.print(spec.commandLine().getOut());
    if (report != null) {
      try {
        result.write(report);
      } catch (IOException e) {
        throw new CommandException(
            ExitCode.USAGE, "--report " + report + " cannot be written: " + e, e);
      }
    }
    return result.passed() ? ExitCode.OK : ExitCode.PROBLEMS;
  }

  private static void requireWritable(Path report) {
    Path folder = report.toAbsolutePath().getParent();
    if (Files.isDirectory(report) || folder == null || !Files.isWritable(folder)) {
      throw new CommandException(
          ExitCode.USAGE, "--report " + report + ": expected a file in a folder that is writable");
    }
  }
}
