package io.meshward.embedded;

import static io.meshward.embedded.ListeningSockets.BROKER;
import static io.meshward.embedded.ListeningSockets.CLIENT;
import static io.meshward.embedded.ListeningSockets.CONTROLLER;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import kafka.server.BrokerServer;
import kafka.server.ControllerServer;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.server.Server;
import kafka.server.SharedServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.fault.FaultHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of controller and broker over a formatted directory: what {@link KafkaRaftServer}
 * composes, with two parts of our own. Its sockets are bound beforehand, and a fault is logged and
 * thrown, where Kafka's own handler halts the JVM.
 */
final class KraftServer {

  static final int NODE_ID = 1;

  private static final Logger log = LoggerFactory.getLogger(KraftServer.class);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

  private final ListeningSockets sockets;
  private final ControllerServer controller;
  private final BrokerServer broker;

  private KraftServer(ListeningSockets sockets, ControllerServer controller, BrokerServer broker) {
    this.sockets = sockets;
    this.controller = controller;
    this.broker = broker;
  }

  /**
   * Starts a server and waits until it serves.
   *
   * @param directory formatted
   * @param sockets belong to the server from now on
   * @throws IOException if a socket is closed
   * @throws RuntimeException if Kafka does not start
   */
  static KraftServer start(Path directory, ListeningSockets sockets, Map<String, String> properties)
      throws IOException {
    KafkaConfig config = new KafkaConfig(configuration(directory, sockets, properties), false);
    var directories = KafkaRaftServer.initializeLogDirs(config, log, "");
    var metrics =
        Server.initializeMetrics(config, Time.SYSTEM, directories._1().clusterId().orElseThrow());
    var shared =
        new SharedServer(
            config,
            directories._1(),
            Time.SYSTEM,
            metrics,
            CompletableFuture.completedFuture(Map.of(NODE_ID, sockets.address(CONTROLLER))),
            List.of(),
            (name, fatal, action) -> faultHandler(name, action),
            (listener, _, _, _) -> sockets.of(listener));
    var server =
        new KraftServer(
            sockets,
            new ControllerServer(shared, KafkaRaftServer.configSchema(), directories._2()),
            new BrokerServer(shared));
    boolean serving = false;
    try {
      server.controller.startup();
      server.broker.startup();
      serving = true;
    } finally {
      // Kafka's Scala code also throws checked exceptions, undeclared.
      if (!serving) {
        server.stop();
      }
    }
    return server;
  }

  /** Stops broker and controller, in this order; idempotent. */
  void stop() throws IOException {
    try (sockets) {
      broker.shutdown(STOP_TIMEOUT);
      controller.shutdown();
    }
  }

  private static Map<String, String> configuration(
      Path directory, ListeningSockets sockets, Map<String, String> properties) throws IOException {
    var all = new HashMap<>(BrokerSettings.DEFAULTS);
    all.putAll(BrokerSettings.IN_PROCESS);
    all.putAll(properties);
    all.put("node.id", Integer.toString(NODE_ID));
    all.put("process.roles", "broker,controller");
    all.put("log.dirs", directory.toString());
    all.put(
        "listeners",
        url(CLIENT, sockets) + "," + url(BROKER, sockets) + "," + url(CONTROLLER, sockets));
    all.put("advertised.listeners", url(CLIENT, sockets) + "," + url(BROKER, sockets));
    all.put("inter.broker.listener.name", BROKER);
    all.put("controller.listener.names", CONTROLLER);
    all.put("controller.quorum.voters", NODE_ID + "@" + hostAndPort(sockets.address(CONTROLLER)));
    secureInternalListeners(all);
    return all;
  }

  /**
   * Lets the broker log in to itself with a name and a password that live as long as it does. The
   * listener for clients is the caller's to secure, and no authorizer refuses the broker its own
   * traffic.
   */
  private static void secureInternalListeners(Map<String, String> configuration) {
    String user = "broker-" + Uuid.randomUuid();
    String password = Uuid.randomUuid().toString();
    String login =
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%1$s\" password=\"%2$s\" user_%1$s=\"%2$s\";"
            .formatted(user, password);
    for (String listener : List.of(BROKER, CONTROLLER)) {
      configuration.merge(
          "listener.security.protocol.map",
          listener + ":SASL_PLAINTEXT",
          (all, one) -> all + "," + one);
      String prefix = "listener.name." + listener.toLowerCase(Locale.ROOT) + ".";
      configuration.put(prefix + "sasl.enabled.mechanisms", "PLAIN");
      configuration.put(prefix + "plain.sasl.jaas.config", login);
    }
    configuration.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
    configuration.put("sasl.mechanism.controller.protocol", "PLAIN");
    configuration.merge("super.users", "User:" + user, (all, one) -> all + ";" + one);
  }

  private static String url(String listener, ListeningSockets sockets) throws IOException {
    return listener + "://" + hostAndPort(sockets.address(listener));
  }

  static String hostAndPort(InetSocketAddress address) {
    return address.getAddress().getHostAddress() + ":" + address.getPort();
  }

  private static FaultHandler faultHandler(String name, Runnable action) {
    return (message, cause) -> {
      log.atError()
          .addKeyValue("part", name)
          .addKeyValue("fault", message)
          .setCause(cause)
          .log("Embedded Kafka met a fault");
      action.run();
      return new IllegalStateException(name + ": " + message, cause);
    };
  }
}
