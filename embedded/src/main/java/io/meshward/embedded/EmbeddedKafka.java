package io.meshward.embedded;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A single-node Kafka in this process: a real KRaft broker and controller on loopback ports of
 * their own and a directory of their own.
 *
 * <p>It keeps its port for clients and its data over {@link #stop()} and {@link #restart()}, and
 * its data over a later {@link #start(Path)} on the same directory. Topics are never created by
 * use, internal topics have one replica, transactions work. Settings can be added under Kafka's own
 * names; the listener for clients is named {@code CLIENT}, that of the controller {@code
 * CONTROLLER}, both plaintext unless {@code listener.security.protocol.map} says otherwise.
 *
 * <p>Safe for use by several threads.
 */
public final class EmbeddedKafka implements Broker {

  private final KafkaDirectory directory;
  private final boolean temporary;
  private final Map<String, String> properties;

  private int port = ListeningSockets.ANY_PORT;
  private String bootstrapServers = "";
  private @Nullable FileChannel lock;
  private @Nullable KraftServer running;
  private boolean closed;

  private EmbeddedKafka(
      KafkaDirectory directory, boolean temporary, Map<String, String> properties) {
    this.directory = directory;
    this.temporary = temporary;
    this.properties = Map.copyOf(properties);
  }

  /** Starts a broker on a temporary directory that {@link #close()} removes. */
  public static EmbeddedKafka start() {
    return start(Map.of());
  }

  /**
   * Starts a broker on a temporary directory that {@link #close()} removes.
   *
   * @param properties settings under Kafka's own names, over the defaults
   * @throws IllegalArgumentException if a property is the broker's own to set
   * @throws IllegalStateException if the broker does not start
   */
  public static EmbeddedKafka start(Map<String, String> properties) {
    BrokerSettings.check(properties);
    try {
      return started(new EmbeddedKafka(KafkaDirectory.temporary(), true, properties));
    } catch (IOException e) {
      throw new IllegalStateException("no temporary directory for Kafka", e);
    }
  }

  /**
   * Starts a broker on the given directory, which stays when it is closed.
   *
   * @param dataDirectory missing, empty, or left by an earlier broker
   * @throws IllegalStateException if the broker does not start: also if another one runs on this
   *     directory, or if something else is in it
   */
  public static EmbeddedKafka start(Path dataDirectory) {
    return start(dataDirectory, Map.of());
  }

  /**
   * Starts a broker on the given directory, which stays when it is closed.
   *
   * @param dataDirectory missing, empty, or left by an earlier broker
   * @param properties settings under Kafka's own names, over the defaults
   * @throws IllegalArgumentException if a property is the broker's own to set
   * @throws IllegalStateException if the broker does not start: also if another one runs on this
   *     directory, or if something else is in it
   */
  public static EmbeddedKafka start(Path dataDirectory, Map<String, String> properties) {
    BrokerSettings.check(properties);
    return started(new EmbeddedKafka(KafkaDirectory.at(dataDirectory), false, properties));
  }

  private static EmbeddedKafka started(EmbeddedKafka kafka) {
    boolean started = false;
    try {
      kafka.restart();
      started = true;
      return kafka;
    } finally {
      if (!started) {
        kafka.close();
      }
    }
  }

  @Override
  public synchronized String bootstrapServers() {
    return bootstrapServers;
  }

  Path dataDirectory() {
    return directory.path();
  }

  /** Stops the broker cleanly; data and port are kept for {@link #restart()}. Idempotent. */
  public synchronized void stop() {
    try (FileChannel _ = lock) {
      if (running != null) {
        running.stop();
      }
    } catch (IOException e) {
      throw new IllegalStateException("Kafka did not stop on " + directory.path(), e);
    } finally {
      running = null;
      lock = null;
    }
  }

  /**
   * Starts the broker on its data and port, after a {@link #stop()} if it runs.
   *
   * @throws IllegalStateException if it is closed, or does not start
   */
  public synchronized void restart() {
    if (closed) {
      throw new IllegalStateException("Kafka on " + directory.path() + " is closed");
    }
    stop();
    try {
      lock = directory.lock();
      directory.formatIfNew();
      ListeningSockets sockets = ListeningSockets.open(port);
      try {
        InetSocketAddress address = sockets.address(ListeningSockets.CLIENT);
        port = address.getPort();
        bootstrapServers = KraftServer.hostAndPort(address);
        running = KraftServer.start(directory.path(), sockets, properties);
      } finally {
        if (running == null) {
          sockets.close();
        }
      }
    } catch (Exception e) {
      // Kafka's Scala code also throws checked exceptions, undeclared.
      throw new IllegalStateException(
          "Kafka did not start on " + directory.path() + ": " + e.getMessage(), e);
    }
  }

  /** Stops the broker and, if its directory is a temporary one, removes that. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      stop();
    } finally {
      if (temporary) {
        remove();
      }
    }
  }

  private void remove() {
    try {
      directory.delete();
    } catch (IOException e) {
      throw new IllegalStateException("cannot remove " + directory.path(), e);
    }
  }
}
