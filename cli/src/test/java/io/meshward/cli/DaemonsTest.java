package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.EmbeddedKubernetes;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each daemon alone, as its command starts it. */
final class DaemonsTest {
  private static final Duration TIME = Duration.ofMinutes(5);
  private static final String KAFKA =
      "kafka: {bootstrap-servers: '127.0.0.1:1', prefix: meshward}\ncluster: local\n";

  @TempDir Path folder;
  private final StringWriter err = new StringWriter();

  @Test
  void ingestRunsUntilItIsStopped() throws Exception {
    runsUntilItIsStopped("ingest", KAFKA + "http: {address: '127.0.0.1:0'}\n");
  }

  @Test
  void detectRunsUntilItIsStopped() throws Exception {
    runsUntilItIsStopped(
        "detect",
        KAFKA
            + "http: {address: '127.0.0.1:0'}\nrules: ['%s']\nstate-directory: '%s'\n"
                .formatted(Distribution.rules(), folder.resolve("state")));
  }

  @Test
  void respondRunsUntilItIsStopped() throws Exception {
    try (EmbeddedKubernetes kubernetes = EmbeddedKubernetes.builder().seed(1).start()) {
      Path kubeconfig = folder.resolve("kubeconfig");
      kubernetes.writeKubeconfig(kubeconfig);
      runsUntilItIsStopped(
          "respond",
          KAFKA
              + """
              http: {address: '127.0.0.1:0'}
              trust-domain: example.org
              kubernetes: {kubeconfig: '%s'}
              playbooks: '%s'
              """
                  .formatted(kubeconfig, Distribution.playbooks()));
    }
  }

  private void runsUntilItIsStopped(String daemon, String config) throws Exception {
    Path file = Files.writeString(folder.resolve("config.yaml"), config);
    try (CommandProcess process =
        CommandProcess.start(folder, daemon, "--config", file.toString())) {
      URI address = URI.create(process.awaitLine(daemon + " answers at (\\S+)", TIME).group(1));

      assertThat(status(address.resolve("/healthz"))).isEqualTo(200);
      assertThat(status(address.resolve("/readyz"))).as("no broker answers").isEqualTo(503);
      process.signal("TERM");

      assertThat(process.awaitEnd(TIME)).as(process.everything()).isEqualTo(143);
      assertThat(process.leftFiles()).isEmpty();
    }
  }

  @Test
  void rulesThatAreNotValidAreExplained() throws Exception {
    Path rules = Files.writeString(folder.resolve("rules.yaml"), "- rule: Half\n");

    int exitCode =
        run(
            "detect",
            KAFKA
                + "http: {address: '127.0.0.1:0'}\nrules: ['%s']\nstate-directory: '%s'\n"
                    .formatted(rules, folder.resolve("state")));

    assertThat(exitCode).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("rules.yaml:1", "Half").doesNotContain("\tat ");
  }

  @Test
  void wrongSettingIsExplained() throws Exception {
    int exitCode = run("ingest", KAFKA + "htp: {address: '127.0.0.1:0'}\n");

    assertThat(exitCode).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("config.yaml", "htp").doesNotContain("\tat ");
  }

  @Test
  void portThatIsTakenIsExplained() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int exitCode =
          run(
              "ingest",
              KAFKA + "http: {address: '127.0.0.1:%d'}\n".formatted(taken.getLocalPort()));

      assertThat(exitCode).isEqualTo(ExitCode.UNREACHABLE);
      assertThat(err.toString())
          .contains(Integer.toString(taken.getLocalPort()))
          .doesNotContain("\tat ");
    }
  }

  private int run(String daemon, String config) throws Exception {
    Path file = Files.writeString(folder.resolve("config.yaml"), config);
    return Meshward.commandLine()
        .setErr(new PrintWriter(err))
        .execute(daemon, "--config", file.toString());
  }

  private static int status(URI address) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(
              HttpRequest.newBuilder(address).timeout(TIME).GET().build(),
              HttpResponse.BodyHandlers.discarding())
          .statusCode();
    }
  }
}
