package io.meshward.embedded;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.VirtualThreadPool;

/**
 * A strict double of the Kubernetes API, version 1.36, on a free loopback port: the resources and
 * verbs that Meshward uses, with the real server's locks, validation, field ownership and answers,
 * a small controller loop and simulated kubelets. What it does not do it answers with 501 "not
 * simulated"; it never guesses. State lives in memory and ends with {@link #close()}. Thread-safe.
 */
public final class EmbeddedKubernetes implements AutoCloseable {

  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(1);

  /** How long a connection without a request outlives the end: Jetty's default is a second. */
  private static final Duration SHUTDOWN_IDLE = Duration.ofMillis(20);

  private final ObjectStore store;
  private final Registry registry;
  private final Controllers controllers;
  private final ApiHandler handler;
  private final Server server;
  private final FaultInjection faults = new FaultInjection();
  private final WriteLog writes = new WriteLog();
  private final URI url;

  private EmbeddedKubernetes(Builder builder) {
    this.store = new ObjectStore(builder.maxObjects, builder.maxHistory);
    this.registry =
        new Registry(store, builder.clock, new Identifiers(new SplittableRandom(builder.seed)));
    this.controllers =
        new Controllers(
            store,
            List.of(
                new NamespaceController(registry),
                new GarbageCollector(registry),
                new DeploymentController(registry),
                new ReplicaSetController(registry),
                new StatefulSetController(registry),
                new Kubelets(registry, builder.readyAfter, builder.goneAfter, System::nanoTime)),
            builder.controllerDelay);
    for (String namespace : List.of("default", "kube-node-lease", "kube-public", "kube-system")) {
      createNamespace(namespace, Map.of());
    }
    for (int i = 1; i <= builder.nodes; i++) {
      createNode(
          "node-" + i, Map.of("kubernetes.io/hostname", "node-" + i, "kubernetes.io/os", "linux"));
    }
    ObjectMapper mapper =
        JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_LONG_FOR_INTS)
            .build();
    this.handler =
        new ApiHandler(
            new ResourceApi(registry),
            store,
            mapper,
            faults,
            writes,
            builder.clock,
            new ApiHandler.Limits(
                builder.maxWatches, builder.maxHistory, builder.bookmarkInterval));
    this.server = server(handler);
    controllers.start();
    try {
      server.start();
    } catch (Exception e) {
      controllers.close();
      throw new IllegalStateException(
          "the embedded Kubernetes API cannot listen on a loopback port", e);
    }
    this.url =
        URI.create(
            "http://127.0.0.1:" + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
  }

  private static Server server(ApiHandler handler) {
    QueuedThreadPool threads = new QueuedThreadPool(16, 4);
    threads.setName("kubernetes-api");
    threads.setVirtualThreadsExecutor(new VirtualThreadPool(1_024));
    Server server = new Server(threads);
    HttpConfiguration configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    ServerConnector connector =
        new ServerConnector(server, 1, 1, new HttpConnectionFactory(configuration));
    connector.setHost("127.0.0.1");
    connector.setIdleTimeout(Duration.ofHours(1).toMillis());
    connector.setShutdownIdleTimeout(SHUTDOWN_IDLE.toMillis());
    server.addConnector(connector);
    server.setHandler(handler);
    server.setStopTimeout(STOP_TIMEOUT.toMillis());
    return server;
  }

  /** Starts with the defaults. */
  public static EmbeddedKubernetes start() {
    return builder().start();
  }

  /** Settings for another start. */
  public static Builder builder() {
    return new Builder();
  }

  /** The API's address. */
  public URI url() {
    return url;
  }

  /** A kubeconfig for this API. */
  public String kubeconfig() {
    return """
    apiVersion: v1
    kind: Config
    clusters:
    - name: embedded
      cluster: {server: "%s"}
    users:
    - name: embedded
      user: {}
    contexts:
    - name: embedded
      context: {cluster: embedded, user: embedded, namespace: default}
    current-context: embedded
    """
        .formatted(url);
  }

  /**
   * Writes the kubeconfig into a file.
   *
   * @return the file
   */
  public Path writeKubeconfig(Path file) throws IOException {
    return Files.writeString(file, kubeconfig());
  }

  /** Faults for the requests to come. */
  public FaultInjection faults() {
    return faults;
  }

  /** The writes that clients asked for so far. */
  public WriteLog writes() {
    return writes;
  }

  /** Creates a namespace, without a request. */
  public void createNamespace(String name, Map<String, String> labels) {
    ApiObject namespace = ApiObject.empty();
    namespace.metadata().put("name", name);
    labels(namespace, labels);
    registry.create(ResourceCatalogue.NAMESPACES, "", namespace, WriteOptions.by("embedded"));
  }

  /** Creates a node, without a request; it becomes Ready by itself. */
  public void createNode(String name, Map<String, String> labels) {
    ApiObject node = ApiObject.empty();
    node.metadata().put("name", name);
    labels(node, labels);
    for (String field : List.of("capacity", "allocatable")) {
      node.status().putObject(field).put("cpu", "32").put("memory", "256Gi").put("pods", "110");
    }
    registry.create(ResourceCatalogue.NODES, "", node, WriteOptions.by("embedded"));
  }

  private static void labels(ApiObject object, Map<String, String> labels) {
    ObjectNode node = object.metadata().putObject("labels");
    labels.forEach(node::put);
  }

  /** Forgets all past changes: a watch from an older version is answered with 410 Expired. */
  public void compactHistory() {
    store.compact();
  }

  /** Ends all watches, as a restarting server does; clients watch again from their last version. */
  public void endWatches() {
    handler.endWatches();
  }

  /** Stops the API and the controllers. */
  @Override
  public void close() {
    handler.endWatches();
    controllers.close();
    try {
      server.stop();
    } catch (TimeoutException e) {
      // Requests that were still at work, such as watches begun a moment ago, were cut.
    } catch (Exception e) {
      throw new IllegalStateException("the embedded Kubernetes API does not stop", e);
    }
  }

  /** Settings of an {@link EmbeddedKubernetes}. */
  public static final class Builder {

    private Clock clock = Clock.systemUTC();
    private long seed = new Random().nextLong();
    private int nodes = 3;
    private Duration readyAfter = Duration.ofMillis(300);
    private Duration goneAfter = Duration.ofMillis(700);
    private Duration controllerDelay = Duration.ZERO;
    private int maxObjects = 10_000;
    private int maxHistory = 10_000;
    private int maxWatches = 256;
    private Duration bookmarkInterval = Duration.ofMinutes(1);

    private Builder() {}

    /** The clock of all timestamps; delays pass in real time whatever it says. */
    public Builder clock(Clock value) {
      clock = value;
      return this;
    }

    /** The seed of uids and generated names. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** How many nodes exist from the start; default 3. */
    public Builder nodes(int value) {
      nodes = value;
      return this;
    }

    /** From a pod's binding until it is Ready; default 0.3 s. */
    public Builder readyAfter(Duration value) {
      readyAfter = value;
      return this;
    }

    /** From a pod's deletion until it is gone; default 0.7 s. */
    public Builder goneAfter(Duration value) {
      goneAfter = value;
      return this;
    }

    /** How long the controllers sleep on a change; default zero. */
    public Builder controllerDelay(Duration value) {
      controllerDelay = value;
      return this;
    }

    /** How many objects are kept; a creation beyond is answered 500. Default 10,000. */
    public Builder maxObjects(int value) {
      maxObjects = value;
      return this;
    }

    /**
     * How many changes are kept for watches, and how many may wait for a slow one; default 10,000.
     */
    public Builder maxHistory(int value) {
      maxHistory = value;
      return this;
    }

    /** How many watches may be open; one more is answered 429. Default 256. */
    public Builder maxWatches(int value) {
      maxWatches = value;
      return this;
    }

    /** How often an idle watch that asked for bookmarks gets one; default a minute. */
    public Builder bookmarkInterval(Duration value) {
      bookmarkInterval = value;
      return this;
    }

    /** Starts the API and the controllers. */
    public EmbeddedKubernetes start() {
      return new EmbeddedKubernetes(this);
    }
  }
}
