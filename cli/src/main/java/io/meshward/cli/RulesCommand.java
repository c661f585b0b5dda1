package io.meshward.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.meshward.detect.FieldCatalogues;
import io.meshward.rules.Dialect;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.RuleFile;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks rules files, and answers questions about conditions. */
@Command(
    name = "rules",
    description = "Checks rules files, and parses, compiles or evaluates conditions.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class RulesCommand implements Runnable {
  private static final String FALCO_SOURCE = "syscall";
  private static final String DIALECT =
      "Whose rules of the language hold where they differ: falco or meshward (default:"
          + " ${DEFAULT-VALUE}).";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "no command given: expected check, parse, compile or eval");
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
          List<Path> paths,
      @Option(
              names = "--dialect",
              paramLabel = "NAME",
              defaultValue = "MESHWARD",
              description = DIALECT)
          Dialect dialect,
      @Option(
              names = "--fields",
              paramLabel = "FILE",
              description = {
                "The fields of the source 'syscall', in JSON: {\"proc.name\": {\"type\":",
                "\"charbuf\"}, …}. Default: the sources of Meshward."
              })
          @Nullable Path fields) {
    List<RuleFile> files = new ArrayList<>();
    for (Path path : paths) {
      for (Path file : rulesFiles(path)) {
        files.add(new RuleFile(file.toString(), read(file)));
      }
    }
    Map<String, FieldCatalogue> catalogues =
        fields == null ? FieldCatalogues.all() : Map.of(FALCO_SOURCE, catalogue(fields));
    RulesCheck check = new RulesCheck(catalogues, dialect, spec.commandLine().getOut());
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
    return answer(ConditionProtocol.parse());
  }

  /** Compiles one condition a line; every line is answered, so it exits with 0. */
  @Command(
      name = "compile",
      description = {
        "Compiles conditions for programs: as parse, but macros and lists are unknown and every",
        "field must be in the catalogue; the answer has \"warnings\", each with message, line and",
        "column."
      },
      mixinStandardHelpOptions = true)
  int compile(@Mixin Fields fields) throws IOException {
    return answer(ConditionProtocol.compile(catalogue(fields.file), fields.dialect));
  }

  /** Evaluates one condition over one event a line; every line is answered, so it exits with 0. */
  @Command(
      name = "eval",
      description = {
        "Evaluates conditions for programs: one JSON document a line on standard input,",
        "{\"condition\": s, \"event\": {\"proc.name\": \"sh\", …}}, is answered by",
        "{\"ok\": true, \"result\": true or false}, or as by compile."
      },
      mixinStandardHelpOptions = true)
  int eval(@Mixin Fields fields) throws IOException {
    return answer(ConditionProtocol.evaluate(catalogue(fields.file), fields.dialect));
  }

  /** The fields that conditions are about. */
  static final class Fields {
    @Option(
        names = "--fields",
        required = true,
        paramLabel = "FILE",
        description =
            "The catalogue, in JSON: {\"proc.name\": {\"type\": \"charbuf\", \"list\": false,"
                + " \"argument\": \"none|allowed|required\"}, …}.")
    private Path file = Path.of("");

    @Option(names = "--dialect", paramLabel = "NAME", defaultValue = "FALCO", description = DIALECT)
    private Dialect dialect = Dialect.FALCO;
  }

  private int answer(ConditionProtocol.Question question) throws IOException {
    new ConditionProtocol(new BufferedInputStream(System.in), spec.commandLine().getOut(), question)
        .run();
    return ExitCode.OK;
  }

  private FieldCatalogue catalogue(Path file) {
    try {
      return FieldCatalogue.fromMap(
          JSON.readValue(read(file), new TypeReference<Map<String, Object>>() {}));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw unreadable(file, "is no catalogue of fields: " + e.getMessage());
    }
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
