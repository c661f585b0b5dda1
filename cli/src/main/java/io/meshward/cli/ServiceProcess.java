package io.meshward.cli;

import io.meshward.examples.ShopLine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Java process beside this one, on the same class path, that ends when this one does. Ctrl-C in a
 * terminal reaches all processes of its group: this one ignores it, since who started it ends it.
 */
final class ServiceProcess implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(5);

  /** What is ignored here stays ignored in what takes the shell's place. */
  private static final List<String> WITHOUT_CTRL_C =
      List.of("/bin/sh", "-c", "trap '' INT; exec \"$0\" \"$@\"");

  /** Small and quick to start: many of them share a machine. */
  private static final List<String> JVM_OPTIONS =
      List.of(
          "-Xmx128m",
          "-Xss512k",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:-UsePerfData",
          "-Xshare:auto",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-Djdk.tls.server.enableSessionTicketExtension=false",
          "-Djdk.tls.server.newSessionTicketCount=0");

  private static final Logger log = LoggerFactory.getLogger(ServiceProcess.class);

  private final Process process;

  private ServiceProcess(Process process) {
    this.process = process;
  }

  /**
   * Starts a process.
   *
   * @param log where its standard error goes
   * @param lines hears of each line on its standard output; what writes others is ended
   * @param ended hears of its end, with the exit code
   */
  static ServiceProcess start(
      Class<?> main,
      Map<String, String> environment,
      Path log,
      Consumer<ShopLine> lines,
      Consumer<Integer> ended)
      throws IOException {
    List<String> command = new ArrayList<>(WITHOUT_CTRL_C);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(JVM_OPTIONS);
    command.addAll(archiveOptions());
    command.add("-Dlogback.configurationFile=shop-logback.xml");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    // The user's options for this JVM would be announced on the process's output.
    builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    Thread.ofVirtual()
        .name("output-" + main.getSimpleName())
        .start(
            () -> {
              readLines(process, lines);
              ended.accept(exitCode(process));
            });
    return new ServiceProcess(process);
  }

  /** The archive of classes that this JVM was started with, which has most of theirs. */
  private static List<String> archiveOptions() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(
            option -> option.startsWith("-XX:SharedArchiveFile=") || option.startsWith("-Xlog:"))
        .toList();
  }

  private static void readLines(Process process, Consumer<ShopLine> lines) {
    try (BufferedReader reader = process.inputReader()) {
      reader.lines().map(ShopLine::parse).forEach(lines);
    } catch (IOException | UncheckedIOException e) {
      // The process ended.
    } catch (IllegalArgumentException e) {
      log.atError().addKeyValue("pid", process.pid()).setCause(e).log("ends an unclear process");
      process.destroyForcibly();
    }
  }

  private static int exitCode(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  long pid() {
    return process.pid();
  }

  /** Asks it to end, hears what it says until then, and ends it if it does not in time. */
  @Override
  public void close() {
    // The handle's way, since Process.destroy() closes the streams at once.
    process.toHandle().destroy();
    try {
      if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
