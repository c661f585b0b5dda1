package io.meshward.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A temporary folder with what the demonstration's parts need as files. */
record DemoFolder(Path path) {
  /** How long all has to be quiet before a recovery by itself. */
  private static final Pattern HOLD_TIME = Pattern.compile("(?m)^( +for: ).*$");

  private static final String SHORT_HOLD = "3s";

  /** Makes it; it goes with what else was started. */
  static DemoFolder create(Starter starter) throws IOException {
    DemoFolder folder = new DemoFolder(Files.createTempDirectory("meshward-demo"));
    starter.add("folder", folder::delete);
    for (String name : List.of("endpoints", "policies", "playbooks")) {
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

  private void delete() throws IOException {
    LogFolder.deleteAll(path);
  }
}
