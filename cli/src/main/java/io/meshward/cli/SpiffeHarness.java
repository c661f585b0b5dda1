package io.meshward.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshward.runtime.MeshRuntime;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two ports of the conformance harness: on the X.509 port, plain TLS that tells an accepted
 * client its own SPIFFE ID and a refused one nothing; on the control port, {@link
 * SpiffeHarnessControl}. Whom to accept is the library's decision alone. Thread-safe.
 */
final class SpiffeHarness implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpiffeHarness.class);
  private static final int MAX_CONNECTIONS = 256;
  private static final int BACKLOG = 128;
  static final int TIMEOUT_MS = 10_000;

  private final MeshRuntime mesh;
  private final ServerSocket x509;
  private final SpiffeHarnessControl control;
  private final Semaphore connections = new Semaphore(MAX_CONNECTIONS);

  private SpiffeHarness(MeshRuntime mesh, ServerSocket x509, SpiffeHarnessControl control) {
    this.mesh = mesh;
    this.x509 = x509;
    this.control = control;
  }

  /** Opens both ports. */
  static SpiffeHarness start(MeshRuntime mesh) throws IOException {
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    SpiffeHarness harness =
        new SpiffeHarness(
            mesh,
            new ServerSocket(0, BACKLOG, loopback),
            SpiffeHarnessControl.start(mesh, new InetSocketAddress(loopback, 0)));
    Thread.ofPlatform().daemon().name("spiffe-harness").start(harness::accept);
    return harness;
  }

  int x509Port() {
    return x509.getLocalPort();
  }

  int controlPort() {
    return control.port();
  }

  private void accept() {
    while (!x509.isClosed()) {
      try {
        Socket accepted = x509.accept();
        if (connections.tryAcquire()) {
          Thread.ofVirtual().start(() -> serve(accepted));
        } else {
          accepted.close();
        }
      } catch (IOException e) {
        if (!x509.isClosed()) {
          log.atWarn().setCause(e).log("a connection could not be accepted");
        }
      }
    }
  }

  private void serve(Socket accepted) {
    try (accepted;
        SSLSocket tls = mesh.tls().serverSocket(accepted)) {
      tls.setSoTimeout(TIMEOUT_MS);
      tls.startHandshake();
      SpiffeId peer = mesh.tls().peer(tls.getSession(), accepted.getInetAddress().getHostAddress());
      tls.getOutputStream().write((peer + "\n").getBytes(US_ASCII));
    } catch (IOException e) {
      log.atDebug().setCause(e).log("a client is refused");
    } finally {
      connections.release();
    }
  }

  @Override
  public void close() throws IOException {
    x509.close();
    control.close();
  }
}
