package io.meshward.ingest;

import io.meshward.daemon.ConfigFile;
import io.meshward.embedded.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Ingest as a program of its own, so that it can be killed. */
final class IngestProcess {
  private IngestProcess() {}

  public static void main(String[] arguments) throws Exception {
    Ingest ingest = Ingest.start(ConfigFile.load(Path.of(arguments[0]), IngestConfig.class));
    JavaProcess.answersAt(ingest.httpUri(), arguments[1]);
    ingest.await();
  }

  /** Starts a process and waits until it listens. */
  static JavaProcess start(Path directory, String configuration) throws IOException {
    Path config = Files.writeString(directory.resolve("ingest.yaml"), configuration);
    return JavaProcess.start(IngestProcess.class, directory, config.toString());
  }
}
