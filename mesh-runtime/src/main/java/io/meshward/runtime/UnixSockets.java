package io.meshward.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/** Unix sockets as addresses: how a target names one, and where a server may listen. */
final class UnixSockets {
  private static final String SCHEME = "unix:";

  private UnixSockets() {}

  /**
   * The socket that a target names, as gRPC writes it: {@code unix:/path} or {@code unix:///path}.
   *
   * @throws IllegalArgumentException if it names a socket by anything but an absolute path
   */
  static Optional<UnixDomainSocketAddress> target(String target) {
    if (!target.startsWith(SCHEME)) {
      return Optional.empty();
    }
    String path = target.substring(SCHEME.length());
    String absolute = path.startsWith("///") ? path.substring(2) : path;
    if (!absolute.startsWith("/") || absolute.startsWith("//")) {
      throw new IllegalArgumentException(
          "the target is '" + target + "': expected unix:/absolute/path");
    }
    return Optional.of(UnixDomainSocketAddress.of(absolute));
  }

  /**
   * Removes the socket of a server that is gone, so that a new one can listen there.
   *
   * @throws IllegalArgumentException if something else than a socket is there
   * @throws IllegalStateException if a server answers there
   */
  static void claim(Path socket) {
    if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (Files.isRegularFile(socket) || Files.isDirectory(socket) || Files.isSymbolicLink(socket)) {
      throw new IllegalArgumentException(
          socket + " is no socket: expected a path where a server can listen");
    }
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      throw new IllegalStateException("a server listens on " + socket + " already: " + channel);
    } catch (ConnectException dead) {
      remove(socket);
    } catch (IOException e) {
      throw new UncheckedIOException("the socket " + socket + " cannot be looked at", e);
    }
  }

  private static void remove(Path socket) {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new UncheckedIOException("the dead socket " + socket + " cannot be removed", e);
    }
  }
}
