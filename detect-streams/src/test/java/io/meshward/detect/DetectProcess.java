package io.meshward.detect;

import io.meshward.daemon.ConfigFile;
import io.meshward.embedded.JavaProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Detection as a program of its own, so that it can be killed. */
final class DetectProcess {
  private static final Duration ANSWER = Duration.ofSeconds(5);

  private DetectProcess() {}

  public static void main(String[] arguments) throws Exception {
    Detect detect = Detect.start(ConfigFile.load(Path.of(arguments[0]), DetectConfig.class));
    JavaProcess.answersAt(detect.httpUri(), arguments[1]);
    detect.await();
  }

  /** Starts a process on a pipeline's state and rules, and waits until it tests events. */
  static JavaProcess start(Pipeline pipeline) throws IOException {
    Path config = pipeline.directory().resolve("detect.yaml");
    Files.writeString(config, pipeline.configuration());
    JavaProcess started =
        JavaProcess.start(DetectProcess.class, pipeline.directory(), config.toString());
    Pipeline.await("the process is ready", () -> isReady(started));
    return started;
  }

  private static boolean isReady(JavaProcess process) {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(process.uri().resolve("/readyz")).timeout(ANSWER).build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
