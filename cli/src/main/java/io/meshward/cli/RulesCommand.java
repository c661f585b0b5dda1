package io.meshward.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Parses conditions of rules. */
@Command(
    name = "rules",
    description = "Parses conditions of rules.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class RulesCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command given: expected parse");
  }

  /** Parses one condition a line; every line is answered, so it exits with 0. */
  @Command(
      name = "parse",
      description = {
        "Parses conditions for programs: one JSON document a line on standard input,",
        "{\"condition\": s}, is answered by {\"ok\": true, \"canonical\": s} or by",
        "{\"ok\": false, \"message\": s, \"line\": n, \"column\": n}."
      },
      mixinStandardHelpOptions = true)
  int parse() throws IOException {
    new ConditionParseProtocol(new BufferedInputStream(System.in), spec.commandLine().getOut())
        .run();
    return ExitCode.OK;
  }
}
