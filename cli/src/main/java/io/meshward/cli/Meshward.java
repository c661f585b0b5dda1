package io.meshward.cli;

import io.meshward.daemon.ConfigException;
import java.util.Arrays;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code meshward} command.
 *
 * <p>Data goes to standard output, messages to standard error. Exit codes are those of {@link
 * ExitCode}.
 */
@Command(
    name = "meshward",
    description = "Turns what workload identities do into containment.",
    versionProvider = Meshward.Version.class,
    mixinStandardHelpOptions = true,
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      Daemons.IngestCommand.class,
      Daemons.DetectCommand.class,
      Daemons.RespondCommand.class,
      RulesCommand.class,
      PlaybooksCommand.class,
      PoliciesCommand.class,
      ContainmentsCommand.class,
      TopicsCommand.class,
      SpiffeHarnessCommand.class
    },
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "Exit codes: 0 done, 1 problems found, 2 wrong usage, 3 cannot connect, 4 not allowed,",
      "5 conflict."
    })
public final class Meshward implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  private Meshward() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** The command with all its subcommands, ready to execute. */
  static CommandLine commandLine() {
    CommandLine commandLine = new CommandLine(new Meshward());
    commandLine
        .getCommandSpec()
        .usageMessage()
        .customSynopsis(
            "meshward " + String.join("|", commandLine.getSubcommands().keySet()) + " …",
            "       meshward [-hV]");
    // The line that names every command stays one.
    commandLine.setUsageHelpWidth(120);
    commandLine.getSubcommands().values().forEach(Meshward::headByDescription);
    return commandLine
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Meshward::explainUsage)
        .setExecutionExceptionHandler(Meshward::explainFailure);
  }

  /** A command's help begins with the line that lists it among the others. */
  private static void headByDescription(CommandLine command) {
    UsageMessageSpec usage = command.getCommandSpec().usageMessage();
    String[] description = usage.description();
    if (usage.header().length == 0 && description.length > 0) {
      usage.header(description[0]);
      usage.description(Arrays.copyOfRange(description, 1, description.length));
    }
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "no command given");
  }

  private static int explainUsage(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    command.getErr().println("meshward: " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, command.getErr());
    command
        .getErr()
        .println(
            "Try '" + command.getCommandSpec().qualifiedName() + " --help' for what it takes.");
    return ExitCode.USAGE;
  }

  private static int explainFailure(
      Exception e, CommandLine command, CommandLine.ParseResult result) throws Exception {
    if (e instanceof CommandException failure) {
      command.getErr().println("meshward: " + failure.getMessage());
      return failure.exitCode();
    }
    if (e instanceof ConfigException configuration) {
      configuration.problems().forEach(p -> command.getErr().println("meshward: " + p));
      return ExitCode.USAGE;
    }
    throw e;
  }

  /** The version in the manifest of the jar this class is in. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Meshward.class.getPackage().getImplementationVersion();
      return new String[] {"meshward " + (version == null ? "(from sources)" : version)};
    }
  }
}
