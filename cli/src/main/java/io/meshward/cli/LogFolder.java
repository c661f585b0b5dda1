package io.meshward.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a command that shows people what happens puts its logs, and those of the processes it
 * starts. It is for when something fails: whoever makes it deletes it otherwise.
 */
record LogFolder(Path path) {
  private static final int TAIL_LINES = 5;

  /** Makes a temporary one. */
  static LogFolder create(String command) throws IOException {
    return new LogFolder(Files.createTempDirectory("meshward-" + command + "-logs-"));
  }

  /** Has all loggers of this process write there; to be called before there is one. */
  void redirect() {
    System.setProperty("logback.configurationFile", "file-logback.xml");
    System.setProperty("meshward.log", of("meshward").toString());
    // Kafka's broker brings Log4j along, which complains if it is first used while the JVM ends.
    System.setProperty("log4j2.shutdownHookEnabled", "false");
  }

  /** The log of a process. */
  Path of(String name) {
    return path.resolve(name + ".log");
  }

  /** The last lines of a log, or why there are none. */
  static String tail(Path log) {
    try (Stream<String> lines = Files.lines(log)) {
      List<String> all = lines.toList();
      return String.join(
          System.lineSeparator(), all.subList(Math.max(0, all.size() - TAIL_LINES), all.size()));
    } catch (IOException | UncheckedIOException e) {
      return log + " cannot be read: " + e.getMessage();
    }
  }

  /** Deletes it with all in it. */
  void delete() throws IOException {
    deleteAll(path);
  }

  /** Deletes a folder with all in it. */
  static void deleteAll(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
