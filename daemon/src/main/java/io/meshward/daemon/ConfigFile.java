package io.meshward.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * Reads a YAML file into a tree of records, and prints such a tree.
 *
 * <p>A key is the kebab-case name of a record component. A component is required unless it carries
 * {@link Default} or its type is {@code @Nullable}; a key without a value counts as absent. Unknown
 * and duplicate keys fail. Components can be texts, numbers, booleans, enums (kebab-case), {@link
 * java.time.Duration} ({@code 500ms}, {@code 30s}, {@code 5m}, {@code 1h}, {@code 7d}), {@link
 * Path} (a relative one starts at the file's folder), {@link java.net.URI}, any type with a static
 * {@code parse(String)} such as {@link HostPort}, {@link ByteSize} and {@link Secret}, further
 * records, and lists, sets and maps of these. A compact constructor refuses what breaks its
 * invariants with an {@link IllegalArgumentException} that names the key.
 *
 * <p>Everything that is wrong is reported at once, as far as it can be read. Thread-safe.
 */
public final class ConfigFile {
  private ConfigFile() {}

  /**
   * Reads a file.
   *
   * @throws ConfigException with every problem found, also if the file cannot be read
   */
  public static <T extends Record> T load(Path file, Class<T> type) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new ConfigException(
          List.of(file + ": cannot be read (" + e + "): expected a YAML file in UTF-8"));
    }
    Path folder = file.toAbsolutePath().getParent();
    return bind(text, file.toString(), folder == null ? Path.of("") : folder, type);
  }

  /**
   * Reads a text; relative paths in it stay relative to the working directory.
   *
   * @param name what messages call the text
   * @throws ConfigException with every problem found
   */
  public static <T extends Record> T parse(String text, String name, Class<T> type) {
    return bind(text, name, Path.of(""), type);
  }

  /**
   * The effective configuration as YAML, with every default filled in. Secrets appear as the
   * reference they are read from.
   */
  public static String print(Record config) {
    return new ConfigPrinter().print(config);
  }

  private static <T extends Record> T bind(String text, String name, Path folder, Class<T> type) {
    return new RecordBinder(name, folder).bind(compose(text, name), type);
  }

  static Optional<Node> compose(String text, String name) {
    LoadSettings settings = LoadSettings.builder().setLabel(name).build();
    try {
      return new Compose(settings).composeString(text);
    } catch (MarkedYamlEngineException e) {
      String where =
          e.getProblemMark()
              .map(mark -> ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
              .orElse("");
      throw new ConfigException(List.of(name + where + ": not YAML: " + e.getProblem()));
    } catch (YamlEngineException e) {
      throw new ConfigException(List.of(name + ": not YAML: " + e.getMessage()));
    }
  }
}
