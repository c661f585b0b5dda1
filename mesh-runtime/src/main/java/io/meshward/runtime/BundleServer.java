package io.meshward.runtime;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;

/**
 * A bundle endpoint: serves the bundle of this workload's trust domain to whoever asks, at {@code
 * /} (SPIFFE Federation 5). Made by {@link MeshRuntime#serveBundle}. Thread-safe.
 *
 * <p>Few connections are served at a time, each for ten seconds at most. Without an SVID, or
 * without the JWT authorities of the Workload API, it answers 503: a peer keeps what it has.
 */
public final class BundleServer implements AutoCloseable {
  private static final int CONNECTIONS = 64;
  private static final Duration DEADLINE = Duration.ofSeconds(10);

  private final HttpsServer server;
  private final ScheduledExecutorService deadlines =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("meshward-bundles-deadline").factory());
  private final Semaphore places;
  private final Duration deadline;

  private BundleServer(HttpsServer server, int places, Duration deadline) {
    this.server = server;
    this.places = new Semaphore(places);
    this.deadline = deadline;
  }

  /**
   * Starts to serve.
   *
   * @param document the bundle as of now
   */
  static BundleServer start(InetSocketAddress address, SSLContext tls, Supplier<byte[]> document) {
    return start(address, tls, document, CONNECTIONS, DEADLINE);
  }

  static BundleServer start(
      InetSocketAddress address,
      SSLContext tls,
      Supplier<byte[]> document,
      int places,
      Duration deadline) {
    try {
      BundleServer started =
          new BundleServer(HttpsServer.create(address, CONNECTIONS), places, deadline);
      started.server.setHttpsConfigurator(new HttpsConfigurator(tls));
      started.server.setExecutor(started::execute);
      started.server.createContext("/", exchange -> serve(exchange, document));
      started.server.start();
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the bundle endpoint cannot listen on " + address + ": " + e.getMessage(), e);
    }
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  /** The JDK's server waits for slow clients without end: an interrupt closes the connection. */
  private void execute(Runnable exchange) {
    Thread worker =
        Thread.ofVirtual()
            .name("meshward-bundles")
            .unstarted(
                () -> {
                  boolean placed = false;
                  try {
                    places.acquire();
                    placed = true;
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  try {
                    exchange.run();
                  } finally {
                    if (placed) {
                      places.release();
                    }
                  }
                });
    worker.start();
    var unused = deadlines.schedule(worker::interrupt, deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static void serve(HttpExchange exchange, Supplier<byte[]> document) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("connection", "close");
      if (!exchange.getRequestURI().getPath().equals("/")) {
        exchange.sendResponseHeaders(404, -1);
      } else if (!exchange.getRequestMethod().equals("GET")) {
        exchange.getResponseHeaders().set("allow", "GET");
        exchange.sendResponseHeaders(405, -1);
      } else {
        byte[] body;
        try {
          body = document.get();
        } catch (MeshRuntimeException e) {
          exchange.sendResponseHeaders(503, -1);
          return;
        }
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
      }
    }
  }

  /** Stops at once. Idempotent. */
  @Override
  public void close() {
    server.stop(0);
    deadlines.shutdownNow();
  }
}
