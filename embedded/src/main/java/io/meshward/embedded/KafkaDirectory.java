package io.meshward.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.jspecify.annotations.Nullable;

/** The directory of a broker: formatted once, then its state. */
final class KafkaDirectory {

  private static final String FORMATTED = "meta.properties";

  private static final String LOCK = "meshward.lock";

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
   * Takes the directory for one broker, of this process or another, until the channel is closed.
   *
   * <p>Kafka locks it too, but only after its controller has opened the metadata log, and opening
   * recovers: it cuts off what another broker has just begun to write.
   *
   * @throws IOException if another broker has it, or it holds files that are not a broker's
   */
  FileChannel lock() throws IOException {
    Files.createDirectories(path);
    requireEmptyOrFormatted();
    FileChannel channel =
        FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      taken = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      throw new IOException("another broker of this process uses " + path, e);
    } finally {
      if (!taken) {
        channel.close();
      }
    }
    if (!taken) {
      throw new IOException("a broker of another process uses " + path);
    }
    return channel;
  }

  private void requireEmptyOrFormatted() throws IOException {
    if (Files.exists(path.resolve(FORMATTED))) {
      return;
    }
    try (Stream<Path> files = Files.list(path)) {
      List<Path> foreign =
          files
              .filter(file -> !file.endsWith(LOCK))
              .filter(file -> !file.getFileName().toString().startsWith(BOOTSTRAP))
              .toList();
      if (!foreign.isEmpty()) {
        throw new IOException(
            "an empty directory or one of an earlier broker expected at "
                + path
                + ", found "
                + foreign.getFirst().getFileName());
      }
    }
  }

  /**
   * Formats the directory, if no broker has used it yet. The caller holds the lock.
   *
   * @throws IOException if it cannot be written
   */
  void formatIfNew() throws IOException {
    if (Files.exists(path.resolve(FORMATTED))) {
      return;
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
