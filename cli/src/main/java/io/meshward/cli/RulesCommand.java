package io.meshward.cli;

import io.meshward.detect.FieldCatalogues;
import io.meshward.rules.RuleFile;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks rules files, or parses conditions. */
@Command(
    name = "rules",
    description = "Checks rules files, or parses conditions.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class RulesCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command given: expected check or parse");
  }

  /** Checks rules files together; exits with 1 if they do not load. */
  @Command(
      name = "check",
      description = "Checks rules files together; exits with 1 if they do not load.",
      mixinStandardHelpOptions = true)
  int check(
      @Parameters(
              paramLabel = "FILE",
              arity = "1..*",
              description =
                  "Rules files, or folders of *.yaml and *.yml files; later ones may change what"
                      + " earlier ones define.")
          List<Path> paths) {
    List<RuleFile> files = new ArrayList<>();
    for (Path path : paths) {
      for (Path file : rulesFiles(path)) {
        files.add(new RuleFile(file.toString(), read(file)));
      }
    }
    RulesCheck check = new RulesCheck(FieldCatalogues.all(), spec.commandLine().getOut());
    return check.run(files) ? ExitCode.OK : ExitCode.PROBLEMS;
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

  private List<Path> rulesFiles(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    try (Stream<Path> entries = Files.list(path)) {
      List<Path> files = entries.filter(RulesCommand::isRulesFile).sorted().toList();
      if (files.isEmpty()) {
        throw unreadable(path, "is a folder without *.yaml or *.yml files");
      }
      return files;
    } catch (IOException e) {
      throw unreadable(path, "cannot be read: " + e);
    }
  }

  private static boolean isRulesFile(Path path) {
    String name = path.getFileName().toString();
    return (name.endsWith(".yaml") || name.endsWith(".yml")) && Files.isRegularFile(path);
  }

  private String read(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw unreadable(file, "does not exist");
    } catch (CharacterCodingException e) {
      throw unreadable(file, "is not UTF-8");
    } catch (IOException e) {
      throw unreadable(file, "cannot be read: " + e);
    }
  }

  private ParameterException unreadable(Path path, String problem) {
    return new ParameterException(spec.commandLine(), path + " " + problem);
  }
}
