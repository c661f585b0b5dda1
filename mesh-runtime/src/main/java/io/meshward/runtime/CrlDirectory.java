package io.meshward.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.cert.CRLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Revocation lists in a directory: every file in it is one, in DER, or several, in PEM; those whose
 * names begin with a dot are not looked at. A file that cannot be read leaves what it held before
 * in force; one that is gone does not. For one thread.
 */
final class CrlDirectory {
  private static final Logger log = LoggerFactory.getLogger(CrlDirectory.class);
  private static final int MAX_FILES = 1_000;
  private static final int MAX_FILE_BYTES = 16 * 1024 * 1024;

  /** Which state of a file was read, by what changes when it is replaced. */
  private record Version(long modified, long size, Object key) {}

  private record Loaded(Version version, List<RevocationList> lists) {}

  private final Path directory;
  private final Map<Path, Loaded> loaded = new TreeMap<>();
  private final Map<Path, String> problems = new TreeMap<>();

  CrlDirectory(Path directory) {
    this.directory = directory;
  }

  /**
   * Reads what has changed since the last time.
   *
   * @return all lists in force
   */
  List<RevocationList> read() {
    Map<Path, Version> there = new TreeMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith(".") && Files.isRegularFile(file)) {
          there.put(file, version(file));
        }
      }
      if (there.size() > MAX_FILES) {
        throw new IOException(there.size() + " files are more than " + MAX_FILES);
      }
    } catch (IOException | DirectoryIteratorException e) {
      problem(directory, e.toString());
      return lists();
    }
    problems.keySet().retainAll(there.keySet());
    loaded.keySet().retainAll(there.keySet());
    there.forEach(this::load);
    return lists();
  }

  /** What could not be read, with why; empty if all could. */
  Map<Path, String> problems() {
    return Map.copyOf(problems);
  }

  private void load(Path file, Version version) {
    Loaded before = loaded.get(file);
    if (before != null && before.version().equals(version)) {
      return;
    }
    List<RevocationList> held = before == null ? List.of() : before.lists();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(MAX_FILE_BYTES + 1);
      if (content.length > MAX_FILE_BYTES) {
        throw new IOException("it is larger than " + MAX_FILE_BYTES + " bytes");
      }
      loaded.put(file, new Loaded(version, RevocationList.parse(content)));
      problems.remove(file);
    } catch (IOException | CRLException e) {
      // The version is kept with what was held, so that the file is read again once it changes.
      loaded.put(file, new Loaded(version, held));
      problem(file, String.valueOf(e.getMessage()));
    }
  }

  private void problem(Path what, String words) {
    if (!words.equals(problems.put(what, words))) {
      log.atError()
          .addKeyValue("file", what)
          .addKeyValue("problem", words)
          .log("revocation lists cannot be read: what was read before stays in force");
    }
  }

  private List<RevocationList> lists() {
    List<RevocationList> all = new ArrayList<>();
    loaded.values().forEach(each -> all.addAll(each.lists()));
    return all;
  }

  private static Version version(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return new Version(
        attributes.lastModifiedTime().toMillis(),
        attributes.size(),
        String.valueOf(attributes.fileKey()));
  }
}
