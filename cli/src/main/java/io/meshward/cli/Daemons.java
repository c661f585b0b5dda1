package io.meshward.cli;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.ShutdownHook;
import io.meshward.detect.Detect;
import io.meshward.detect.DetectConfig;
import io.meshward.detect.RulesRejectedException;
import io.meshward.ingest.Ingest;
import io.meshward.ingest.IngestConfig;
import io.meshward.responder.PlaybookException;
import io.meshward.responder.Responder;
import io.meshward.responder.ResponderConfig;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The commands that run one daemon alone. */
final class Daemons {
  private Daemons() {}

  /** How a daemon is told what to do. */
  static final class ConfigOption {
    @Option(
        names = "--config",
        required = true,
        paramLabel = "FILE",
        description = "Its configuration, in YAML.")
    private Path file = Path.of("");

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Parses and validates the file, starts the daemon, says where it is, and waits for its end.
     *
     * @throws CommandException if it does not start as it is told
     */
    <C extends Record, D extends AutoCloseable> int run(
        Class<C> type, Function<C, D> start, Function<D, URI> address, Await<D> await)
        throws InterruptedException {
      C config = ConfigFile.load(file, type);
      D daemon;
      try {
        daemon = start.apply(config);
      } catch (RulesRejectedException
          | PlaybookException
          | IllegalArgumentException
          | UncheckedIOException e) {
        throw new CommandException(ExitCode.USAGE, file + ": " + e.getMessage(), e);
      } catch (IllegalStateException e) {
        throw new CommandException(ExitCode.UNREACHABLE, String.valueOf(e.getMessage()), e);
      }
      ShutdownHook.install(spec.name(), daemon);
      spec.commandLine().getOut().println(spec.name() + " answers at " + address.apply(daemon));
      spec.commandLine().getOut().flush();
      await.await(daemon);
      return ExitCode.OK;
    }
  }

  /** Waits until a daemon is closed. */
  @FunctionalInterface
  interface Await<D> {
    void await(D daemon) throws InterruptedException;
  }

  /** {@code meshward ingest}. */
  @Command(
      name = "ingest",
      description = "Takes alerts by HTTP and puts them on Kafka, until it is stopped.",
      mixinStandardHelpOptions = true)
  static final class IngestCommand implements Callable<Integer> {
    @Mixin private ConfigOption config = new ConfigOption();

    @Override
    public Integer call() throws InterruptedException {
      return config.run(IngestConfig.class, Ingest::start, Ingest::httpUri, Ingest::await);
    }
  }

  /** {@code meshward detect}. */
  @Command(
      name = "detect",
      description = "Finds misuse in the events on Kafka, until it is stopped.",
      mixinStandardHelpOptions = true)
  static final class DetectCommand implements Callable<Integer> {
    @Mixin private ConfigOption config = new ConfigOption();

    @Override
    public Integer call() throws InterruptedException {
      return config.run(DetectConfig.class, Detect::start, Detect::httpUri, Detect::await);
    }
  }

  /** {@code meshward respond}. */
  @Command(
      name = "respond",
      description = "Answers detections by playbooks, until it is stopped.",
      mixinStandardHelpOptions = true)
  static final class RespondCommand implements Callable<Integer> {
    @Mixin private ConfigOption config = new ConfigOption();

    @Override
    public Integer call() throws InterruptedException {
      return config.run(
          ResponderConfig.class, Responder::start, Responder::httpUri, Responder::await);
    }
  }
}
