package io.meshward.cli;

import io.meshward.daemon.Resources;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs all of Meshward in one process on embedded parts. */
@Command(
    name = "up",
    description = {
      "Runs ingest, detect and respond on embedded parts until it is stopped.",
      "",
      "Prints where everything answers. What it holds ends with it."
    },
    mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer> {
  private static final Duration CLEAN_UP = Duration.ofSeconds(30);
  private static final String TRUST_DOMAIN = "example.org";

  @Option(
      names = "--ingest-port",
      paramLabel = "PORT",
      description =
          "Where ingest listens on loopback; 0 for a free port (default: ${DEFAULT-VALUE}).")
  private int ingestPort = 2801;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Timeline timeline = new Timeline(out, Clock.systemUTC());
    Resources resources = new Resources(CLEAN_UP);
    try (Interruption _ = Interruption.ofThisThread(CLEAN_UP)) {
      try {
        Parts parts =
            Parts.start(
                new Parts.Options(
                    Optional.empty(), Optional.empty(), Optional.empty(), TRUST_DOMAIN, ingestPort),
                timeline,
                resources);
        print(parts, out);
        resources.await();
      } finally {
        Interruption.clear();
        resources.close();
      }
    } catch (InterruptedException e) {
      // Stopped.
    }
    return ExitCode.OK;
  }

  private static void print(Parts parts, PrintWriter out) {
    out.println();
    out.println("Falco's http_output url   " + parts.pipeline().ingest().httpUri());
    out.println("detect                    " + parts.pipeline().detect().httpUri());
    out.println("respond                   " + parts.pipeline().responder().httpUri());
    out.println("Kafka                     " + parts.kafka().config().bootstrapServers());
    out.println("kubeconfig                " + parts.kubernetes().kubeconfig());
    for (String service : ShopEnvironment.REPLICAS.keySet().stream().sorted().toList()) {
      out.println(
          "Workload API              "
              + parts.workloadApi().address(service)
              + " for "
              + parts.workloadApi().identity(service));
    }
    out.println("key to release with       " + parts.operator().privateKey());
    out.println();
    out.println("Ctrl-C stops it.");
    out.flush();
  }
}
