package io.meshward.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.cli.CommandJvm;
import io.meshward.cli.Meshward;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A daemon in a process of its own, started as {@code meshward NAME --config FILE}, that can be
 * killed and started again. Where it listens is what it prints.
 */
final class DaemonProcess implements AutoCloseable {
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final String ADDRESS = " answers at ";
  private static final int TAIL = 40;

  /** Small and quick to start: many of them, one after another. */
  private static final List<String> JVM_OPTIONS = List.of("-XX:TieredStopAtLevel=1", "-Xmx256m");

  private final String name;
  private final Path config;
  private final Path log;
  private final HttpClient http = HttpClient.newHttpClient();
  private volatile @Nullable Process process;
  private volatile @Nullable URI address;

  /**
   * @param name the command
   * @param folder takes its configuration and its log
   */
  DaemonProcess(String name, Path folder, String configuration) throws IOException {
    this.name = name;
    this.config = Files.writeString(folder.resolve(name + ".yaml"), configuration);
    this.log = folder.resolve(name + ".log");
  }

  String name() {
    return name;
  }

  /** Starts it; it is not ready yet. */
  void start() {
    try {
      Process started =
          new ProcessBuilder(
                  CommandJvm.command(
                      JVM_OPTIONS, Meshward.class, List.of(name, "--config", config.toString())))
              .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      process = started;
      Thread.ofVirtual().start(() -> listen(started));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void listen(Process started) {
    try (BufferedReader lines = started.inputReader(UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(name + ADDRESS) && started.equals(process)) {
          address = URI.create(line.substring(name.length() + ADDRESS.length()));
        }
      }
    } catch (IOException e) {
      // It was killed.
    }
  }

  /** Where it answers now, if it does. */
  Optional<URI> address() {
    return Optional.ofNullable(address);
  }

  /** Whether it is there and says that it is ready. */
  boolean isReady() {
    requireAlive();
    URI at = address;
    if (at == null) {
      return false;
    }
    try {
      HttpRequest request = HttpRequest.newBuilder(at.resolve("/readyz")).timeout(ANSWER).build();
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Fails if it ended although nobody killed it. */
  void requireAlive() {
    Process current = process;
    if (current == null || !current.isAlive()) {
      throw new AssertionError(name + " ended by itself: " + tail());
    }
  }

  void awaitReady() {
    Await.until(name + " is ready", this::isReady, this::tail);
  }

  /** {@code kill -9}. */
  void kill() {
    end(Process::destroyForcibly);
  }

  /** {@code kill}: it puts everything in order. */
  void stop() {
    end(
        current -> {
          current.destroy();
          return current;
        });
  }

  private void end(UnaryOperator<Process> signal) {
    Process current = process;
    address = null;
    if (current != null) {
      Process ending = signal.apply(current);
      Await.until(name + " ends", () -> !ending.isAlive(), this::tail);
    }
  }

  /** The end of what it logged. */
  String tail() {
    try {
      List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL), lines.size()));
    } catch (IOException e) {
      return "no log: " + e;
    }
  }

  /** Copies what it logged into a folder. */
  void copyLog(Path evidence) throws IOException {
    if (Files.exists(log)) {
      Files.copy(log, evidence.resolve(log.getFileName()), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() {
    kill();
    http.close();
  }
}
