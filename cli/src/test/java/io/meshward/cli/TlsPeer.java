package io.meshward.cli;

import io.meshward.testkit.ForeignTls;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** Connections of a foreign TLS peer. */
final class TlsPeer {
  private TlsPeer() {}

  /** A client over an open connection, not yet shaken hands. */
  static SSLSocket over(SSLContext context, Socket open) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            context.getSocketFactory().createSocket(open, "127.0.0.1", open.getPort(), true);
    socket.setSoTimeout(10_000);
    return socket;
  }

  static Listening serve(IssuedSvid svid) throws IOException {
    return new Listening(svid);
  }

  /** A server for one connection, which it keeps until its client ends it. */
  static final class Listening implements AutoCloseable {
    private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());

    private Listening(IssuedSvid svid) throws IOException {
      SSLContext context = ForeignTls.context(svid);
      Thread.ofVirtual().start(() -> serve(context));
    }

    private void serve(SSLContext context) {
      try (Socket open = listening.accept();
          SSLSocket tls = over(context, open)) {
        tls.setUseClientMode(false);
        tls.setNeedClientAuth(true);
        tls.startHandshake();
        tls.getInputStream().readAllBytes();
      } catch (IOException e) {
        // Refused.
      }
    }

    int port() {
      return listening.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }
}
