package io.meshward.responder;

import io.meshward.rules.ConditionFiles;
import io.meshward.rules.Diagnostic;
import io.meshward.rules.ItemNode;
import io.meshward.rules.RuleFile;
import io.meshward.schemas.PlaybookRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** All playbooks of a responder, loaded together or not at all. Immutable. */
public final class Playbooks {
  private final List<Playbook> playbooks;
  private final List<Diagnostic> warnings;

  private Playbooks(List<Playbook> playbooks, List<Diagnostic> warnings) {
    this.playbooks = List.copyOf(playbooks);
    this.warnings = List.copyOf(warnings);
  }

  /**
   * Loads every {@code .yaml} and {@code .yml} file of a folder, in the order of names.
   *
   * @throws PlaybookException with everything that is wrong; also if there is no file
   */
  public static Playbooks load(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return loadFiles(
          files
              .filter(file -> file.toString().endsWith(".yaml") || file.toString().endsWith(".yml"))
              .sorted()
              .toList());
    } catch (IOException e) {
      throw new PlaybookException(
          folder + " cannot be read (" + e + "): expected a folder of playbooks", List.of());
    }
  }

  /**
   * Loads files.
   *
   * @throws PlaybookException with everything that is wrong; also if there is no file
   */
  public static Playbooks loadFiles(List<Path> files) {
    List<RuleFile> texts = new ArrayList<>();
    for (Path file : files) {
      try {
        texts.add(new RuleFile(file.toString(), Files.readString(file)));
      } catch (IOException e) {
        throw new PlaybookException(
            file + " cannot be read (" + e + "): expected a YAML file in UTF-8", List.of());
      }
    }
    return parse(texts);
  }

  /**
   * Parses texts.
   *
   * @throws PlaybookException with everything that is wrong; also if there is none
   */
  public static Playbooks parse(List<RuleFile> files) {
    if (files.isEmpty()) {
      throw new PlaybookException("no playbooks: expected a .yaml file", List.of());
    }
    ConditionFiles source = ConditionFiles.read(files, "playbook", PlaybookFields.CATALOGUE);
    Map<String, Playbook> playbooks = new LinkedHashMap<>();
    for (ItemNode item : source.items()) {
      new PlaybookReader(source, item)
          .read()
          .ifPresent(
              playbook -> {
                if (playbooks.putIfAbsent(playbook.name(), playbook) != null) {
                  source.error(
                      item.key("playbook"),
                      "playbook '" + playbook.name() + "'",
                      "there is another playbook of that name");
                }
              });
    }
    if (source.hasErrors()) {
      throw new PlaybookException("the playbooks are not valid:", source.diagnostics());
    }
    return new Playbooks(List.copyOf(playbooks.values()), source.diagnostics());
  }

  /** The playbooks, in the order of files and lines. */
  List<Playbook> all() {
    return playbooks;
  }

  /** The names of the actions that they take. */
  Set<String> actions() {
    return playbooks.stream()
        .flatMap(playbook -> playbook.steps().stream())
        .map(step -> step.action().action())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Their names and versions. */
  public List<PlaybookRef> refs() {
    return playbooks.stream().map(Playbook::ref).toList();
  }

  /** What looks like a mistake. */
  public List<Diagnostic> warnings() {
    return warnings;
  }
}
