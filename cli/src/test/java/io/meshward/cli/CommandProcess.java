package io.meshward.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The {@code meshward} command as a process of its own, as the launcher starts it, whose temporary
 * files are all in one folder.
 */
final class CommandProcess implements AutoCloseable {
  private static final int SIGINT = 2;

  private final Process process;
  private final Path temporary;
  private final Path error;
  private final List<String> lines = new ArrayList<>();

  private CommandProcess(Process process, Path temporary, Path error) {
    this.process = process;
    this.temporary = temporary;
    this.error = error;
  }

  /**
   * Starts it.
   *
   * @param folder takes its standard error and, in a folder of their own, its temporary files
   */
  static CommandProcess start(Path folder, String... arguments) throws IOException {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path error = folder.resolve("stderr");
    List<String> command =
        CommandJvm.command(
            List.of("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.io.tmpdir=" + temporary),
            Meshward.class,
            List.of(arguments));
    Process process = new ProcessBuilder(command).redirectError(error.toFile()).start();
    CommandProcess started = new CommandProcess(process, temporary, error);
    Thread.ofVirtual().name("output").start(started::read);
    return started;
  }

  private void read() {
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
      reader
          .lines()
          .forEach(
              line -> {
                synchronized (this) {
                  lines.add(line);
                  notifyAll();
                }
              });
    } catch (IOException | UncheckedIOException e) {
      // It ended.
    }
  }

  /**
   * Waits for a line that has a match of a pattern.
   *
   * @throws AssertionError with all that was printed, if none comes
   */
  synchronized Matcher awaitLine(String pattern, Duration time) throws Exception {
    Pattern compiled = Pattern.compile(pattern);
    long end = System.nanoTime() + time.toNanos();
    int next = 0;
    while (true) {
      for (; next < lines.size(); next++) {
        Matcher matcher = compiled.matcher(lines.get(next));
        if (matcher.find()) {
          return matcher;
        }
      }
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0 || !process.isAlive()) {
        throw new AssertionError("no line with '" + pattern + "' in\n" + everything());
      }
      wait(Math.min(left, 500));
    }
  }

  /** Sends a signal: {@code INT} as Ctrl-C does, or {@code TERM}. */
  void signal(String name) throws Exception {
    int exitCode =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (exitCode != 0 && process.isAlive()) {
      throw new AssertionError("kill ended with " + exitCode);
    }
  }

  /** Whether a process, and those it starts, hear of Ctrl-C: not if it was told to ignore it. */
  static boolean hearsCtrlC(long pid) throws IOException {
    String ignored =
        Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .map(line -> line.substring("SigIgn:".length()).strip())
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(ignored, 16) >> (SIGINT - 1) & 1) == 0;
  }

  /**
   * Waits for its end.
   *
   * @return its exit code
   */
  int awaitEnd(Duration time) throws Exception {
    if (!process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("does not end within " + time + "\n" + everything());
    }
    return process.exitValue();
  }

  /** What it left in its folder for temporary files. */
  List<Path> leftFiles() throws IOException {
    try (Stream<Path> all = Files.walk(temporary)) {
      return all.filter(path -> !path.equals(temporary)).toList();
    }
  }

  /** The processes that were started by it, or by those, and still run: they know its folder. */
  List<String> leftProcesses() throws IOException {
    List<String> left = new ArrayList<>();
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path candidate : processes.toList()) {
        if (candidate.getFileName().toString().matches("[0-9]+") && mentionsFolder(candidate)) {
          left.add(candidate.toString());
        }
      }
    }
    return left;
  }

  private boolean mentionsFolder(Path process) {
    try {
      return (Files.readString(process.resolve("environ"), StandardCharsets.ISO_8859_1)
              + Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1))
          .contains(temporary.toString());
    } catch (IOException e) {
      // It has ended, or is somebody else's.
      return false;
    }
  }

  /** All that it printed. */
  synchronized String everything() throws IOException {
    return String.join("\n", lines) + "\n" + Files.readString(error);
  }

  /** What it wrote to standard error. */
  String error() throws IOException {
    return Files.readString(error);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
