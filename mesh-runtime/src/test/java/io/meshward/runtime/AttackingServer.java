package io.meshward.runtime;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/** A server for clients to fall for, on a port of its own. */
final class AttackingServer implements AutoCloseable {
  private static final byte[] EMPTY_SETTINGS = {0, 0, 0, 4, 0, 0, 0, 0, 0};

  private final ServerSocket listening;
  private final Set<Socket> accepted = ConcurrentHashMap.newKeySet();

  private AttackingServer(Consumer<Socket> serves) {
    try {
      listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread unused = Thread.ofVirtual().start(() -> accept(serves));
  }

  /** Speaks TLS, then HTTP/2 as far as a client needs to think that it is served. */
  static AttackingServer tls(SSLContext context, Speech speech) {
    return new AttackingServer(socket -> speakTls(socket, context, speech));
  }

  /** Says these bytes, and then nothing, or good-bye. */
  static AttackingServer saying(byte[] bytes, boolean close) {
    return new AttackingServer(
        socket -> {
          try {
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
            if (close) {
              socket.close();
            }
          } catch (IOException e) {
            // The client went first.
          }
        });
  }

  int port() {
    return listening.getLocalPort();
  }

  /** Ends all connections, and accepts more. */
  void hangUp() {
    try {
      for (Socket socket : accepted) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept(Consumer<Socket> serves) {
    try {
      while (true) {
        Socket socket = listening.accept();
        socket.setTcpNoDelay(true);
        accepted.add(socket);
        Thread unused = Thread.ofVirtual().start(() -> serves.accept(socket));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private static void speakTls(Socket open, SSLContext context, Speech speech) {
    try (open) {
      SSLSocket socket =
          (SSLSocket)
              context.getSocketFactory().createSocket(open, "127.0.0.1", open.getPort(), false);
      socket.setUseClientMode(false);
      socket.setWantClientAuth(true);
      speech.applyTo(socket);
      try {
        socket.startHandshake();
        socket.getOutputStream().write(EMPTY_SETTINGS);
        socket.getOutputStream().flush();
        socket.getInputStream().transferTo(OutputStream.nullOutputStream());
      } catch (SSLException e) {
        // Netty forgets our alert if the connection ends while it works on the message before.
        open.getInputStream().transferTo(OutputStream.nullOutputStream());
      }
    } catch (IOException e) {
      // Refused, or gone.
    }
  }

  @Override
  public void close() {
    try {
      listening.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    hangUp();
  }
}
