package io.meshward.cli;

import io.meshward.daemon.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A temporary folder with what the demonstration's parts need as files. */
record DemoFolder(Path path) {
  private static final int TAIL_LINES = 5;

  /** How long all has to be quiet before a recovery by itself. */
  private static final Pattern HOLD_TIME = Pattern.compile("(?m)^( +for: ).*$");

  private static final String SHORT_HOLD = "3s";

  /** Makes it; it goes with the resources. */
  static DemoFolder create(Resources resources) throws IOException {
    DemoFolder folder = new DemoFolder(Files.createTempDirectory("meshward-demo"));
    resources.add("folder", folder::delete);
    for (String name : List.of("endpoints", "logs", "policies", "playbooks")) {
      Files.createDirectory(folder.path.resolve(name));
    }
    return folder;
  }

  /** The shipped playbooks, with hold times that suit a demonstration. */
  Path playbooks(Path shipped) throws IOException {
    Path folder = path.resolve("playbooks");
    try (Stream<Path> files = Files.list(shipped)) {
      for (Path file : files.toList()) {
        String playbook = HOLD_TIME.matcher(Files.readString(file)).replaceAll("$1" + SHORT_HOLD);
        Files.writeString(folder.resolve(file.getFileName()), playbook);
      }
    }
    return folder;
  }

  /** The last lines of a log, or why there are none. */
  static String tail(Path log) {
    try (Stream<String> lines = Files.lines(log)) {
      List<String> all = lines.toList();
      return String.join(
          System.lineSeparator(), all.subList(Math.max(0, all.size() - TAIL_LINES), all.size()));
    } catch (IOException | UncheckedIOException e) {
      return log + " cannot be read: " + e.getMessage();
    }
  }

  private void delete() throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
