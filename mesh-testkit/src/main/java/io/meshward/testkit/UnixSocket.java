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

  private UnixSocket() {}

  /**
   * Checks that a server can bind the path, and removes what a dead one left there.
   *
   * @throws IllegalArgumentException if the path is too long or its directory is missing
   * @throws IllegalStateException if a server answers there, or something else than a socket is
   *     there
   */
  static Path claim(Path path) {
    Path absolute = path.toAbsolutePath();
    int bytes = absolute.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_PATH_BYTES) {
      throw new IllegalArgumentException(
          "a socket path of at most %d bytes expected, has %d: %s"
              .formatted(MAX_PATH_BYTES, bytes, absolute));
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

  static void delete(Path socket) {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new IllegalStateException("cannot remove the socket " + socket, e);
    }
  }
}
