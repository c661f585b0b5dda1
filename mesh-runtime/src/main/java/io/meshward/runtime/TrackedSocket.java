package io.meshward.runtime;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;

/** A socket whose handshake is watched, whoever begins it. Thread-safe as any TLS socket. */
final class TrackedSocket extends DelegatingSslSocket {
  private final SSLSocket socket;
  private final OwnedLink link;
  private final ConnectionWatch watch;

  /**
   * No monitor, in which a virtual thread that waits for its peer would hold its carrier up to JDK
   * 23 (JEP 491).
   */
  private final Lock handshaking = new ReentrantLock();

  /** Guarded by {@link #handshaking}. */
  private boolean settled;

  TrackedSocket(SSLSocket socket, OwnedLink link, ConnectionWatch watch) {
    super(socket);
    this.socket = socket;
    this.link = link;
    this.watch = watch;
  }

  @Override
  public void startHandshake() throws IOException {
    handshaking.lock();
    try {
      shakeHands();
    } finally {
      handshaking.unlock();
    }
  }

  private void shakeHands() throws IOException {
    requireUncut();
    if (settled) {
      socket.startHandshake();
      return;
    }
    try {
      socket.startHandshake();
    } catch (IOException e) {
      settled = true;
      watch.failed(HandshakeFailure.of(e), HandshakeFacts.NONE);
      link.cut();
      throw e;
    }
    settled = true;
    if (!watch.handshaken(
        HandshakeFacts.of(socket.getSession(), socket.getApplicationProtocol()))) {
      requireUncut();
    }
  }

  private void requireUncut() throws SSLException {
    if (link.isCut()) {
      throw new SSLException("the connection is cut: " + watch.whyCut());
    }
  }

  private void handshake() throws IOException {
    handshaking.lock();
    try {
      if (!settled) {
        shakeHands();
      }
    } finally {
      handshaking.unlock();
    }
  }

  /** As the JDK's: an invalid session if the handshake fails. */
  @Override
  public SSLSession getSession() {
    try {
      handshake();
    } catch (IOException e) {
      return socket.getSession();
    }
    return socket.getSession();
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new FilterInputStream(socket.getInputStream()) {
      @Override
      public int read() throws IOException {
        handshake();
        return in.read();
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        handshake();
        return in.read(bytes, offset, length);
      }
    };
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new FilterOutputStream(socket.getOutputStream()) {
      @Override
      public void write(int octet) throws IOException {
        handshake();
        out.write(octet);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        handshake();
        out.write(bytes, offset, length);
      }
    };
  }

  @Override
  public boolean isClosed() {
    return link.isCut() || socket.isClosed();
  }

  @Override
  public void close() throws IOException {
    watch.failed(HandshakeFailure.of(new ClosedChannelException()), HandshakeFacts.NONE);
    try {
      socket.close();
    } finally {
      link.closed();
    }
  }
}
