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
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    List<Playbook> playbooks = new ArrayList<>();
    for (PlaybookItem item : items(source)) {
      new PlaybookReader(source, item).read().ifPresent(playbooks::add);
    }
    if (source.hasErrors()) {
      throw new PlaybookException("the playbooks are not valid:", source.diagnostics());
    }
    return new Playbooks(playbooks, source.diagnostics());
  }

  /** The playbooks' items, each with what later ones change, in the order of their first ones. */
  private static Collection<PlaybookItem> items(ConditionFiles source) {
    Map<String, PlaybookItem> items = new LinkedHashMap<>();
    for (ItemNode node : source.items()) {
      ItemReader reader = new ItemReader(source, "playbook");
      Map<String, ItemNode> keys = reader.mapping(node, PlaybookReader.KEYS, "a playbook");
      String name = reader.text(keys, "playbook").orElse("");
      reader.named("playbook '" + name + "'");
      PlaybookItem earlier = items.get(name);
      Optional<ItemNode> override = PlaybookItem.override(keys);
      if (override.isPresent() && earlier != null) {
        earlier.change(override.get(), keys, reader);
      } else if (override.isPresent()) {
        reader.wrong(node.key("override"), "there is no earlier playbook of that name to change");
      } else if (earlier != null) {
        reader.wrong(node.key("playbook"), "there is another playbook of that name");
      } else {
        items.put(name, new PlaybookItem(node, keys));
      }
    }
    return items.values();
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
