package io.meshward.daemon;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.VirtualThreadPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server of a process: its routes, and {@code /healthz}, {@code /readyz} and {@code
 * /metrics}, which answer however busy the routes are.
 *
 * <p>Everything is bounded by {@link HttpLimits}: connections, requests at work and waiting, bodies
 * and the time a client takes. Handlers run on virtual threads. Errors are problem JSON. Closing
 * lets the requests at work end. Thread-safe.
 */
public final class HttpServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HttpServer.class);
  private static final Duration DRAIN = Duration.ofSeconds(5);

  /** Silent connections make room for others once all places are taken. */
  private static final Duration IDLE_WHEN_FULL = Duration.ofSeconds(1);

  private static final Duration HOUSEKEEPING = Duration.ofSeconds(1);
  private static final int HEADER_BYTES = 16 * 1024;

  private final Server server;
  private final ServerConnector connector;
  private final HttpConfig config;
  private final SlowClients slowClients;
  private final @Nullable TlsMaterial tls;
  private final Thread housekeeping;
  private int port;

  private HttpServer(Builder builder) {
    config = builder.config;
    QueuedThreadPool threads = new QueuedThreadPool(16, 4);
    threads.setName("http-" + builder.name);
    VirtualThreadPool virtualThreads = new VirtualThreadPool();
    virtualThreads.setName("http-" + builder.name);
    // The gate lets fewer requests in; the rest is for probes.
    virtualThreads.setMaxConcurrentTasks(config.limits().inFlight() + 64);
    threads.setVirtualThreadsExecutor(virtualThreads);
    server = new Server(threads);
    server.setErrorHandler(new ProblemErrorHandler());
    server.setStopTimeout(DRAIN.toMillis());

    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(HEADER_BYTES);
    if (config.tls() == null) {
      tls = null;
      connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
    } else {
      // Sensors connect by whatever name or address reaches them.
      http.addCustomizer(new SecureRequestCustomizer(false));
      tls = new TlsMaterial(config.tls(), builder.metrics);
      connector =
          new ServerConnector(
              server,
              1,
              1,
              new SslConnectionFactory(tls.contextFactory(), "http/1.1"),
              new HttpConnectionFactory(http));
    }
    connector.setHost(config.address().host());
    connector.setPort(config.address().port());
    connector.setIdleTimeout(config.limits().idle().toMillis());
    server.setConnectors(new Connector[] {connector});
    NetworkConnectionLimit connections =
        new NetworkConnectionLimit(config.limits().connections(), connector);
    connections.setEndPointIdleTimeout(IDLE_WHEN_FULL.toMillis());
    server.addBean(connections);
    connector.addBean(new LastPlaces(connector));

    Router router = new Router(builder.routes, config.limits(), builder.metrics);
    Gate gate = new Gate(config.limits(), builder.metrics, router);
    GracefulHandler graceful =
        new GracefulHandler(new Probes(builder.health, builder.metrics, gate));
    server.setHandler(graceful);
    slowClients = new SlowClients(connector, config.limits().request(), builder.metrics);
    housekeeping = Thread.ofVirtual().name("http-housekeeping").unstarted(this::keepHouse);
    builder.metrics.gauge(Metric.HTTP_CONNECTIONS, () -> connector.getConnectedEndPoints().size());
    builder.metrics.gauge(Metric.HTTP_AT_WORK, graceful::getCurrentRequestCount);
    builder.metrics.gauge(Metric.HTTP_WAITING, gate::getSuspendedRequestCount);
  }

  /** Starts to describe a server. */
  public static Builder builder(String name, HttpConfig config, Health health, Metrics metrics) {
    return new Builder(name, config, health, metrics);
  }

  /** The address to call it at. */
  public URI uri() {
    String host = config.address().host();
    boolean any = host.equals("0.0.0.0") || host.equals("::");
    return URI.create(
        (tls == null ? "http://" : "https://") + new HostPort(any ? "localhost" : host, port));
  }

  /** Refuses new requests, lets those at work end, then closes. Idempotent. */
  @Override
  public void close() {
    housekeeping.interrupt();
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("the HTTP server does not stop cleanly", e);
    }
  }

  private HttpServer started() {
    try {
      server.start();
    } catch (Exception e) {
      close();
      throw new IllegalStateException(
          "cannot listen on " + config.address() + ": " + e.getMessage(), e);
    }
    port = connector.getLocalPort();
    housekeeping.start();
    return this;
  }

  /**
   * Jetty is impatient with the connections that are open when the last place is taken. Those that
   * were accepted and not yet opened then would be silent for as long as any.
   */
  private record LastPlaces(ServerConnector connector) implements Connection.Listener {
    @Override
    public void onOpened(Connection connection) {
      if (!connector.isAccepting()) {
        connection.getEndPoint().setIdleTimeout(IDLE_WHEN_FULL.toMillis());
      }
    }

    @Override
    public void onClosed(Connection connection) {}
  }

  private void keepHouse() {
    try {
      while (true) {
        Thread.sleep(HOUSEKEEPING);
        lookOnce();
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void lookOnce() {
    try {
      slowClients.sweep();
      if (tls != null) {
        tls.reloadIfChanged();
      }
    } catch (RuntimeException e) {
      log.atError().setCause(e).log("slow clients and certificates were not looked at; again soon");
    }
  }

  /** Describes a server. Not thread-safe. */
  public static final class Builder {
    private final String name;
    private final HttpConfig config;
    private final Health health;
    private final Metrics metrics;
    private final Map<String, Map<String, HttpHandler>> routes = new LinkedHashMap<>();

    private Builder(String name, HttpConfig config, Health health, Metrics metrics) {
      this.name = name;
      this.config = config;
      this.health = health;
      this.metrics = metrics;
    }

    /** Adds a route: an exact path and one method. A route for GET answers HEAD, too. */
    public Builder route(String method, String path, HttpHandler handler) {
      Map<String, HttpHandler> methods = routes.computeIfAbsent(path, key -> new LinkedHashMap<>());
      if (methods.putIfAbsent(method, handler) != null) {
        throw new IllegalArgumentException("the route " + method + " " + path + " exists already");
      }
      return this;
    }

    /**
     * Starts the server.
     *
     * @throws IllegalStateException if it cannot listen, or its key material cannot be used
     */
    public HttpServer start() {
      return new HttpServer(this).started();
    }
  }
}
