package io.meshward.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
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
    Parts.Options options =
        new Parts.Options(
            Optional.empty(), Optional.empty(), Optional.empty(), TRUST_DOMAIN, ingestPort, false);
    return new Session(spec, CLEAN_UP)
        .run(
            (timeline, resources, logs) -> {
              Parts parts = Parts.start(options, timeline, new Starter(resources));
              print(parts, logs, spec.commandLine().getOut());
              resources.await();
              return parts;
            },
            _ -> ExitCode.OK);
  }

  private static void print(Parts parts, LogFolder logs, PrintWriter out) {
    out.println();
    out.println("ingest        " + parts.pipeline().ingest().httpUri());
    out.println("detect        " + parts.pipeline().detect().httpUri());
    out.println("respond       " + parts.pipeline().responder().httpUri());
    out.println("Kafka         " + parts.kafka().config().bootstrapServers());
    out.println("Kubernetes    " + parts.kubernetes().kubeconfig() + " (kubeconfig)");
    for (String service : ShopEnvironment.REPLICAS.keySet().stream().sorted().toList()) {
      out.println(
          "Workload API  "
              + parts.workloadApi().address(service)
              + " for "
              + parts.workloadApi().identity(service));
    }
    out.println("approver key  " + parts.operator().privateKey());
    out.println("logs          " + logs.of("meshward"));
    out.println();
    out.println("Falco's http_output posts alerts to ingest; so does");
    out.println(
        "  curl -H 'Content-Type: application/json' -d '"
            + exampleAlert(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            + "' "
            + parts.pipeline().ingest().httpUri());
    out.println("What comes of it:");
    out.println(
        "  meshward containments list --bootstrap-servers "
            + parts.kafka().config().bootstrapServers());
    out.println();
    out.println(
        "The responder acts in the namespace "
            + parts.kubernetes().namespace()
            + ". Ctrl-C stops all.");
    out.flush();
  }

  private static String exampleAlert(Instant time) {
    return """
    {"rule":"Unexpected Workload API Socket Access","priority":"Critical","time":"%s",\
    "output_fields":{"k8s.ns.name":"shop","k8s.pod.name":"orders-1"}}\
    """
        .formatted(time);
  }
}
