package io.meshward.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.jspecify.annotations.Nullable;

/** The directory of a broker: formatted once, then its state. */
final class KafkaDirectory {

  private static final String FORMATTED = "meta.properties";

  /** Written by the formatter before the file that marks the directory as formatted. */
  private static final String BOOTSTRAP = "bootstrap.checkpoint";

  private final Path path;

  private KafkaDirectory(Path path) {
    this.path = path;
  }

  /** A new empty directory among the temporary files. */
  static KafkaDirectory temporary() throws IOException {
    return new KafkaDirectory(Files.createTempDirectory("meshward-kafka-"));
  }

  static KafkaDirectory at(Path path) {
    return new KafkaDirectory(path.toAbsolutePath());
  }

  Path path() {
    return path;
  }

  /**
   * Formats the directory, if no broker has used it yet.
   *
   * @throws IOException if it holds files that are not a broker's, or cannot be written
   */
  void formatIfNew() throws IOException {
    Files.createDirectories(path);
    if (Files.exists(path.resolve(FORMATTED))) {
      return;
    }
    try (Stream<Path> files = Files.list(path)) {
      List<Path> foreign =
          files.filter(file -> !file.getFileName().toString().startsWith(BOOTSTRAP)).toList();
      if (!foreign.isEmpty()) {
        throw new IOException(
            "an empty directory or one of an earlier broker expected at "
                + path
                + ", found "
                + foreign.getFirst().getFileName());
      }
    }
    try {
      new Formatter()
          .setNodeId(KraftServer.NODE_ID)
          .setClusterId(Uuid.randomUuid().toString())
          .setControllerListenerName(ListeningSockets.CONTROLLER)
          .setDirectories(List.of(path.toString()))
          .setMetadataLogDirectory(path.toString())
          .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
          .run();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("cannot format " + path + " for Kafka", e);
    }
  }

  /** Removes the directory and all that is in it. */
  void delete() throws IOException {
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
