package io.meshward.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the rules and playbooks are that come with the command. */
final class Distribution {
  private Distribution() {}

  /** The folder of the shipped rules. */
  static Path rules() {
    return folder("rules");
  }

  /** The folder of the shipped playbooks. */
  static Path playbooks() {
    return folder("playbooks");
  }

  /** The launcher says where the distribution is; without it this runs from the sources. */
  private static Path folder(String name) {
    Path folder =
        Path.of(System.getProperty("meshward.home", ".."))
            .resolve(name)
            .toAbsolutePath()
            .normalize();
    if (!Files.isDirectory(folder)) {
      throw new CommandException(
          ExitCode.USAGE,
          "no "
              + name
              + " in "
              + folder.getParent()
              + ": expected the distribution's folder there");
    }
    return folder;
  }
}
