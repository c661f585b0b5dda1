package io.meshward.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.ConfigFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Ingest in a process of its own, so that it can be killed. */
final class IngestProcess implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(60);

  private final Process process;
  private final URI uri;

  private IngestProcess(Process process, URI uri) {
    this.process = process;
    this.uri = uri;
  }

  public static void main(String[] arguments) throws Exception {
    Ingest ingest = Ingest.start(ConfigFile.load(Path.of(arguments[0]), IngestConfig.class));
    Path address = Path.of(arguments[1]);
    Path written = Path.of(arguments[1] + ".new");
    Files.writeString(written, ingest.httpUri().toString());
    Files.move(written, address);
    ingest.await();
  }

  /** Starts a process and waits until it listens. */
  static IngestProcess start(Path directory, String configuration) throws IOException {
    Path config = Files.writeString(directory.resolve("ingest.yaml"), configuration);
    Path address = directory.resolve("address");
    Path log = directory.resolve("ingest.log");
    Files.deleteIfExists(address);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                IngestProcess.class.getName(),
                config.toString(),
                address.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    long end = System.nanoTime() + START.toNanos();
    while (!Files.exists(address)) {
      assertThat(process.isAlive()).as(() -> text(log)).isTrue();
      assertThat(System.nanoTime()).as(() -> text(log)).isLessThan(end);
      LockSupport.parkNanos(10_000_000);
    }
    return new IngestProcess(process, URI.create(Files.readString(address)));
  }

  URI uri() {
    return uri;
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
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
