package io.meshward.runtime;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Carries what comes over TCP to a Unix socket, and what comes back. */
final class TcpToUnix implements AutoCloseable {
  private final Path socket;
  private final ServerSocketChannel listening;
  private final List<SocketChannel> open = new CopyOnWriteArrayList<>();

  private TcpToUnix(Path socket, ServerSocketChannel listening) {
    this.socket = socket;
    this.listening = listening;
  }

  static TcpToUnix to(Path socket) throws IOException {
    ServerSocketChannel listening = ServerSocketChannel.open();
    listening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    TcpToUnix carrier = new TcpToUnix(socket, listening);
    Thread.ofVirtual().start(carrier::accept);
    return carrier;
  }

  int port() throws IOException {
    return ((InetSocketAddress) listening.getLocalAddress()).getPort();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = listening.accept();
        open.add(client);
        SocketChannel agent = SocketChannel.open(StandardProtocolFamily.UNIX);
        open.add(agent);
        agent.connect(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(() -> carry(client, agent));
        Thread.ofVirtual().start(() -> carry(agent, client));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private static void carry(SocketChannel from, SocketChannel to) {
    ByteBuffer buffer = ByteBuffer.allocate(8 * 1024);
    try (from;
        to) {
      while (from.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
        buffer.clear();
      }
    } catch (IOException e) {
      // Either side has closed.
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (SocketChannel channel : open) {
      channel.close();
    }
  }
}
