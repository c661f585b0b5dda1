package io.meshward.detect;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * Who an instance is over its restarts: an id in its state directory. With it, one that was killed
 * gets its partitions back at once, instead of after its session's timeout.
 */
final class Instance {
  private static final String FILE = "instance-id";

  private Instance() {}

  /**
   * Reads the id, or makes one.
   *
   * @throws UncheckedIOException if the directory cannot be made, read or written
   */
  static String idIn(Path stateDirectory) {
    try {
      Files.createDirectories(stateDirectory);
      Path file = stateDirectory.resolve(FILE);
      if (!Files.exists(file)) {
        Path written = Files.createTempFile(stateDirectory, FILE, ".new");
        Files.writeString(written, UUID.randomUUID().toString());
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
      }
      return UUID.fromString(Files.readString(file).strip()).toString();
    } catch (IOException e) {
      throw new UncheckedIOException("state-directory " + stateDirectory + " cannot be used", e);
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(
          stateDirectory.resolve(FILE) + " holds no UUID: remove it to get a new one", e);
    }
  }
}
