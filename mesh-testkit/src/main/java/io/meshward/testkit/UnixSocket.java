package io.meshward.testkit;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The place of a Unix socket. */
final class UnixSocket {

  /** {@code sun_path} of Linux has 108 bytes, the last of them zero. */
  static final int MAX_PATH_BYTES = 107;

  /** Room for the name of a socket within the longest path. */
  private static final int MAX_DIRECTORY_BYTES = MAX_PATH_BYTES - "/1000000".length();

  private UnixSocket() {}

  /** A new temporary directory with room for sockets, only for this user. */
  static Path temporaryDirectory() throws IOException {
    Path usual = Files.createTempDirectory("mw");
    if (bytes(usual) <= MAX_DIRECTORY_BYTES) {
      return usual;
    }
    Files.delete(usual);
    return Files.createTempDirectory(Path.of("/tmp"), "mw");
  }

  /**
   * Checks that a server can bind the path, and removes what a dead one left there.
   *
   * @throws IllegalArgumentException if the path is too long or its directory is missing
   * @throws IllegalStateException if a server answers there, or something else than a socket is
   *     there
   */
  static Path claim(Path path) {
    Path absolute = path.toAbsolutePath();
    if (bytes(absolute) > MAX_PATH_BYTES) {
      throw new IllegalArgumentException(
          "a socket path of at most %d bytes expected, has %d: %s"
              .formatted(MAX_PATH_BYTES, bytes(absolute), absolute));
    }
    Path parent = absolute.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new IllegalArgumentException("no directory for the socket " + absolute);
    }
    if (Files.exists(absolute)) {
      removeDead(absolute);
    }
    return absolute;
  }

  private static void removeDead(Path socket) {
    if (Files.isRegularFile(socket) || Files.isDirectory(socket)) {
      throw new IllegalStateException("a socket or nothing expected at " + socket);
    }
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      throw new IllegalStateException("a server answers at " + socket + " already");
    } catch (IOException refused) {
      delete(socket);
    }
  }

  private static int bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  static void delete(Path socket) {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new IllegalStateException("cannot remove the socket " + socket, e);
    }
  }
}
