package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code meshward up} as a process: what it prints can be used, and it goes when it is told to. */
final class UpCommandTest {
  private static final Duration TIME = Duration.ofMinutes(5);

  @TempDir Path folder;

  @Test
  void staysAndTakesAlertsUntilItIsStopped() throws Exception {
    try (CommandProcess up = CommandProcess.start(folder, "up", "--ingest-port", "0")) {
      URI ingest = URI.create(up.awaitLine("^ingest +(http\\S+)", TIME).group(1));
      String kafka = up.awaitLine("^Kafka +(\\S+)", TIME).group(1);
      Path kubeconfig = Path.of(up.awaitLine("^Kubernetes +(\\S+)", TIME).group(1));
      Path key = Path.of(up.awaitLine("^approver key +(\\S+)", TIME).group(1));
      Path log = Path.of(up.awaitLine("^logs +(\\S+)", TIME).group(1));
      String alert = up.awaitLine("curl .* -d '(.*)' http", TIME).group(1);
      up.awaitLine("Ctrl-C", TIME);

      assertThat(post(ingest, alert).statusCode()).isEqualTo(200);
      assertThat(kubeconfig).isNotEmptyFile();
      assertThat(key).isNotEmptyFile();
      assertThat(Files.readString(log)).contains("responder started");
      assertThat(Meshward.commandLine().execute("topics", "diff", "--bootstrap-servers", kafka))
          .isEqualTo(ExitCode.OK);

      up.signal("TERM");

      assertThat(up.awaitEnd(TIME)).as(up.everything()).isEqualTo(143);
      assertThat(up.error()).isEmpty();
      assertThat(up.leftProcesses()).isEmpty();
      assertThat(up.leftFiles()).isEmpty();
    }
  }

  private static HttpResponse<String> post(URI ingest, String alert) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(
          HttpRequest.newBuilder(ingest).POST(HttpRequest.BodyPublishers.ofString(alert)).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }
}
