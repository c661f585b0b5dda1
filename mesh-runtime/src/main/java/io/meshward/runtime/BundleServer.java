package io.meshward.runtime;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A bundle endpoint: serves the bundle of this workload's trust domain to whoever asks, at {@code
 * /} (SPIFFE Federation 5). Made by {@link MeshRuntime#serveBundle}. Thread-safe.
 *
 * <p>Few connections are served at a time, each for ten seconds at most. Without an SVID, or
 * without the JWT authorities of the Workload API, it answers 503: a peer keeps what it has.
 */
public final class BundleServer implements AutoCloseable {
  private static final int CONNECTIONS = 64;

  /** So many wait for a place; the JDK's server closes the connections of others. */
  private static final int WAITING = 256;

  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final long IDLE_SECONDS = 10;

  private final HttpsServer server;
  private final ScheduledExecutorService deadlines =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("meshward-bundles-deadline").factory());
  private final ExecutorService workers;
  private final Duration deadline;

  private BundleServer(HttpsServer server, int places, Duration deadline) {
    this.server = server;
    this.workers = workers(places);
    this.deadline = deadline;
  }

  /**
   * No virtual threads: before Java 24 the JDK's server keeps the carrier of one for as long as a
   * client takes for its handshake, and few clients would stop all that the service does on others.
   */
  private static ExecutorService workers(int places) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            places,
            places,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING),
            Thread.ofPlatform().daemon().name("meshward-bundles-", 0).factory());
    pool.allowCoreThreadTimeOut(true);
    return pool;
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

  private void execute(Runnable exchange) {
    Turn turn = new Turn(exchange);
    workers.execute(turn);
    var unused = deadlines.schedule(turn::end, deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * One connection. The JDK's server waits for slow clients without end: an interrupt closes the
   * connection, also of one whose time was over before it had a place.
   */
  private static final class Turn implements Runnable {
    private final Runnable exchange;
    private @Nullable Thread worker;
    private boolean over;

    Turn(Runnable exchange) {
      this.exchange = exchange;
    }

    @Override
    public void run() {
      worksOn(Thread.currentThread());
      try {
        exchange.run();
      } finally {
        worksOn(null);
      }
    }

    private synchronized void worksOn(@Nullable Thread thread) {
      worker = thread;
      interruptIfOver();
    }

    synchronized void end() {
      over = true;
      interruptIfOver();
    }

    private void interruptIfOver() {
      if (over && worker != null) {
        worker.interrupt();
      }
    }
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
    workers.shutdownNow();
    deadlines.shutdownNow();
  }
}
