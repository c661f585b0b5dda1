package io.meshward.cli;

import io.meshward.daemon.Resources;
import java.io.PrintWriter;
import java.io.Writer;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * One life of all that tests start as processes: the conformance harness and, on embedded parts,
 * the three daemons. {@link CommandJvm} has the JVM record which classes it takes.
 */
final class Recording {
  private static final Duration CLEAN_UP = Duration.ofSeconds(30);

  private Recording() {}

  public static void main(String[] arguments) throws Exception {
    Meshward.commandLine().parseArgs("up");
    Rehearsal.run();
    try (Resources resources = new Resources(CLEAN_UP);
        PrintWriter nobody = new PrintWriter(Writer.nullWriter())) {
      Parts.start(
          new Parts.Options(
              Optional.empty(), Optional.empty(), Optional.empty(), "recording.test", 0, false),
          new Timeline(nobody, Clock.systemUTC()),
          new Starter(resources));
    }
    System.exit(ExitCode.OK);
  }
}
