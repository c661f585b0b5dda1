package io.meshward.embedded;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * The sockets of a broker, one for each listener, bound on loopback before it starts, so that no
 * other process takes a chosen port in between.
 */
final class ListeningSockets implements AutoCloseable {

  static final String CLIENT = "CLIENT";
  static final String BROKER = "BROKER";
  static final String CONTROLLER = "CONTROLLER";

  /** {@link #open(int)} chooses the port of clients itself. */
  static final int ANY_PORT = 0;

  private static final int BACKLOG = 200;
  private static final int CHOICES = 100;
  private static final Duration REBIND_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration REBIND_PAUSE = Duration.ofMillis(50);

  private final Map<String, ServerSocketChannel> sockets = new LinkedHashMap<>();

  private ListeningSockets() {}

  /**
   * Binds the sockets.
   *
   * @param clientPort the port for clients, which is awaited for some seconds if it is taken; or
   *     {@link #ANY_PORT}
   * @throws IOException if no socket can be bound
   */
  static ListeningSockets open(int clientPort) throws IOException {
    var opened = new ListeningSockets();
    try {
      opened.sockets.put(CLIENT, clientPort == ANY_PORT ? bindToChosen() : bindAgain(clientPort));
      opened.sockets.put(BROKER, bind(0));
      opened.sockets.put(CONTROLLER, bind(0));
      return opened;
    } catch (IOException e) {
      opened.close();
      throw e;
    }
  }

  InetSocketAddress address(String listener) throws IOException {
    return (InetSocketAddress) of(listener).getLocalAddress();
  }

  /** The socket of a listener; the server that takes it closes it. */
  ServerSocketChannel of(String listener) {
    ServerSocketChannel socket = sockets.get(listener);
    if (socket == null) {
      throw new IllegalArgumentException(
          "no socket for listener " + listener + ", expected one of " + sockets.keySet());
    }
    return socket;
  }

  @Override
  public void close() throws IOException {
    for (ServerSocketChannel socket : sockets.values()) {
      socket.close();
    }
  }

  /**
   * Binds a random port below the range from which Linux and the BSDs serve connecting sockets. In
   * that range, while the broker is stopped, a client that tries to come back could be given the
   * broker's own port, connect to itself and keep the port from the broker.
   */
  private static ServerSocketChannel bindToChosen() throws IOException {
    for (int choice = 0; choice < CHOICES; choice++) {
      try {
        return bind(ThreadLocalRandom.current().nextInt(20_000, 32_000));
      } catch (BindException taken) {
        // The next choice.
      }
    }
    return bind(0);
  }

  private static ServerSocketChannel bindAgain(int port) throws IOException {
    long deadline = System.nanoTime() + REBIND_TIMEOUT.toNanos();
    while (true) {
      try {
        return bind(port);
      } catch (BindException e) {
        if (System.nanoTime() - deadline > 0) {
          throw new IOException("port " + port + " of the stopped broker is taken", e);
        }
        LockSupport.parkNanos(REBIND_PAUSE.toNanos());
      }
    }
  }

  private static ServerSocketChannel bind(int port) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.configureBlocking(false);
      channel.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), BACKLOG);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }
}
