package io.meshward.detect;

import io.meshward.daemon.ConfigFile;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Detection in a process of its own, so that it can be killed. */
final class DetectProcess implements AutoCloseable {
  private static final Duration ANSWER = Duration.ofSeconds(5);

  private final Process process;
  private final URI http;

  private DetectProcess(Process process, URI http) {
    this.process = process;
    this.http = http;
  }

  public static void main(String[] arguments) throws Exception {
    Detect detect = Detect.start(ConfigFile.load(Path.of(arguments[0]), DetectConfig.class));
    Path address = Path.of(arguments[1]);
    Path written = Path.of(arguments[1] + ".new");
    Files.writeString(written, detect.httpUri().toString());
    Files.move(written, address);
    detect.await();
  }

  /** Starts a process on a pipeline's state and rules, and waits until it tests events. */
  static DetectProcess start(Pipeline pipeline) throws IOException {
    Path config = pipeline.directory().resolve("detect.yaml");
    Files.writeString(config, pipeline.configuration());
    Path address = pipeline.directory().resolve("address");
    Files.deleteIfExists(address);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx384m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                DetectProcess.class.getName(),
                config.toString(),
                address.toString())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(new File(pipeline.directory() + "/detect.log")))
            .start();
    Pipeline.await(
        "the process answers",
        () -> {
          if (!process.isAlive()) {
            throw new AssertionError("the process ended: " + log(pipeline));
          }
          return Files.exists(address);
        });
    DetectProcess started = new DetectProcess(process, URI.create(Files.readString(address)));
    Pipeline.await("the process is ready", started::isReady);
    return started;
  }

  boolean isReady() {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(http.resolve("/readyz")).timeout(ANSWER).build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  private static String log(Pipeline pipeline) {
    try {
      return Files.readString(pipeline.directory().resolve("detect.log"));
    } catch (IOException e) {
      return "no log";
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
