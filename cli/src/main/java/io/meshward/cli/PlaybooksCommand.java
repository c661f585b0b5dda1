package io.meshward.cli;

import io.meshward.responder.PlaybookException;
import io.meshward.responder.Playbooks;
import io.meshward.rules.Diagnostic;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks playbooks. */
@Command(
    name = "playbooks",
    description = "Checks playbooks.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class PlaybooksCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command given: expected check");
  }

  /** Checks playbook files together; exits with 1 if they do not load. */
  @Command(
      name = "check",
      description = "Checks playbook files together; exits with 1 if they do not load.",
      mixinStandardHelpOptions = true)
  int check(
      @Parameters(
              paramLabel = "FILE",
              arity = "1..*",
              description =
                  "Playbook files, or folders of *.yaml and *.yml files; later ones may change the"
                      + " lists, macros and playbooks of earlier ones.")
          List<Path> paths) {
    List<Path> files = new ArrayList<>();
    paths.forEach(path -> files.addAll(files(path)));
    PrintWriter out = spec.commandLine().getOut();
    try {
      Playbooks playbooks = Playbooks.loadFiles(files);
      playbooks.warnings().forEach(this::print);
      playbooks.refs().forEach(playbook -> out.println(playbook.name() + " " + playbook.version()));
      out.println("ok: " + playbooks.refs().size() + " playbooks in " + files.size() + " files");
      return ExitCode.OK;
    } catch (PlaybookException e) {
      if (e.diagnostics().isEmpty()) {
        throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
      }
      e.diagnostics().forEach(this::print);
      out.println("invalid: " + e.diagnostics().size() + " problems");
      return ExitCode.PROBLEMS;
    }
  }

  private List<Path> files(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    try (Stream<Path> entries = Files.list(path)) {
      return entries
          .filter(file -> file.toString().endsWith(".yaml") || file.toString().endsWith(".yml"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new ParameterException(spec.commandLine(), path + " cannot be read: " + e);
    }
  }

  private void print(Diagnostic diagnostic) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(diagnostic);
    diagnostic.snippet().lines().forEach(line -> out.println("  " + line));
  }
}
