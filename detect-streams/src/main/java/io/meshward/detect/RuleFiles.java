package io.meshward.detect;

import io.meshward.rules.LoadResult;
import io.meshward.rules.RuleFile;
import io.meshward.rules.RuleLoader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Finds, reads and loads rules files. */
public final class RuleFiles {
  /** The largest rules file. */
  public static final int MAX_BYTES = 4 * 1024 * 1024;

  private RuleFiles() {}

  /**
   * Reads rules files.
   *
   * @param paths files, and directories whose own files named {@code *.yaml} or {@code *.yml} are
   *     read in the order of their names
   * @throws UncheckedIOException if a path is missing or cannot be read, a directory holds no rules
   *     file, or a file is too large or not UTF-8
   */
  public static List<RuleFile> read(List<Path> paths) {
    List<RuleFile> files = new ArrayList<>();
    for (Path path : paths) {
      for (Path file : Files.isDirectory(path) ? rulesFilesIn(path) : List.of(path)) {
        files.add(new RuleFile(file.toString(), text(file)));
      }
    }
    return List.copyOf(files);
  }

  /**
   * Reads and loads rules files, all or none, with the fields of {@link FieldCatalogues#all}.
   *
   * @throws UncheckedIOException as {@link #read} does
   */
  public static LoadResult load(List<Path> paths) {
    return RuleLoader.load(read(paths), FieldCatalogues.all());
  }

  private static List<Path> rulesFilesIn(Path directory) {
    List<Path> files;
    try (Stream<Path> entries = Files.list(directory)) {
      files =
          entries
              .filter(entry -> entry.toString().matches(".*\\.ya?ml") && Files.isRegularFile(entry))
              .sorted()
              .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
    if (files.isEmpty()) {
      throw new UncheckedIOException(
          new IOException(directory + " holds no rules: expected files named *.yaml"));
    }
    return files;
  }

  private static String text(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new IOException(file + " has " + size + " bytes: expected at most " + MAX_BYTES);
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new UncheckedIOException(file + " is not UTF-8", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }
}
