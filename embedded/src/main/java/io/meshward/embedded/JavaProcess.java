package io.meshward.embedded;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A Java program in a process of its own, with this one's class path, so that it can be killed. It
 * tells where it answers by {@link #answersAt} as soon as it does. Not thread-safe.
 */
public final class JavaProcess implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(2);
  private static final long LOOK_NANOS = 10_000_000;

  private final Process process;
  private final URI uri;

  private JavaProcess(Process process, URI uri) {
    this.process = process;
    this.uri = uri;
  }

  /**
   * Starts a program and waits until it says where it answers.
   *
   * @param program its class; its arguments are those given, then the file for {@link #answersAt}
   * @param folder where it keeps its log, to which each start appends, and that file
   * @throws IOException if it ends before, or says nothing for two minutes: with what it logged
   */
  public static JavaProcess start(Class<?> program, Path folder, String... arguments)
      throws IOException {
    Path address = folder.resolve("address");
    Path log = folder.resolve("log");
    Files.deleteIfExists(address);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx384m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    command.addAll(List.of(arguments));
    command.add(address.toString());
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    long end = System.nanoTime() + START.toNanos();
    while (!Files.exists(address)) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new IOException(program.getSimpleName() + " does not start: " + text(log));
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return new JavaProcess(process, URI.create(Files.readString(address)));
  }

  /** Said by the program itself: it answers at an address now. */
  public static void answersAt(URI uri, String file) throws IOException {
    Path written = Path.of(file + ".new");
    Files.writeString(written, uri.toString());
    Files.move(written, Path.of(file));
  }

  /** Where it answers. */
  public URI uri() {
    return uri;
  }

  /** {@code kill -9}. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  private static String text(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return "no log";
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
