package io.meshward.cli;

import io.meshward.daemon.Resources;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What a command does that starts many things and shows people what happens: Ctrl-C and SIGTERM
 * stop it at any time, everything it started is removed in the end, and its logs go to files that
 * are kept only if it failed.
 */
final class Session {
  private final CommandSpec spec;
  private final Duration cleanUp;

  /**
   * What is done.
   *
   * @param <T> what comes of it
   */
  @FunctionalInterface
  interface Work<T> {
    /**
     * Does it.
     *
     * @param resources takes everything that has to be closed afterwards
     */
    T run(Timeline timeline, Resources resources, LogFolder logs) throws Exception;
  }

  /** Closing that always goes well, for whoever closes. */
  @FunctionalInterface
  private interface Removal extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Makes the session of a command.
   *
   * @param cleanUp how long the removal of everything may take
   */
  Session(CommandSpec spec, Duration cleanUp) {
    this.spec = spec;
    this.cleanUp = cleanUp;
  }

  /**
   * Works, removes everything, and concludes.
   *
   * @param conclude tells the user what came of it, and gives the exit code
   * @return the exit code; of no account if the user stopped it
   */
  <T> int run(Work<T> work, ToIntFunction<T> conclude) throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Interruption interruption = Interruption.ofThisThread(cleanUp);
    LogFolder logs = LogFolder.create(spec.name());
    logs.redirect();
    boolean keepLogs = true;
    try {
      Timeline timeline = new Timeline(out, Clock.systemUTC());
      timeline.chapter("Logs go to " + logs.path() + ", and are kept only if something fails");
      Resources resources = new Resources(cleanUp);
      T result;
      try (Removal _ = () -> removeAll(interruption, timeline, resources)) {
        result = work.run(timeline, resources, logs);
      }
      int exitCode = interruption.isRequested() ? ExitCode.OK : conclude.applyAsInt(result);
      keepLogs = exitCode != ExitCode.OK;
      return exitCode;
    } catch (Exception e) {
      keepLogs = !interruption.isRequested() && !(e instanceof CommandException);
      if (interruption.isRequested()) {
        return ExitCode.PROBLEMS;
      }
      throw e;
    } finally {
      try {
        if (keepLogs) {
          spec.commandLine().getErr().println("meshward: the logs are in " + logs.path());
        } else {
          logs.delete();
        }
      } finally {
        interruption.close();
      }
    }
  }

  private static void removeAll(Interruption interruption, Timeline timeline, Resources resources) {
    interruption.beginCleanUp();
    timeline.chapter(
        interruption.isRequested() ? "Stopped: removing everything" : "Removing everything");
    resources.close();
  }
}
