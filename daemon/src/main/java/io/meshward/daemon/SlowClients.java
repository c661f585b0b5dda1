package io.meshward.daemon;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.ServerConnector;
import org.jspecify.annotations.Nullable;

/**
 * Closes connections whose client takes too long over the head of a request, byte by byte: Jetty's
 * idle timeout starts anew with each. (Bodies have a deadline in {@link HttpCall}.) Used by one
 * thread.
 */
final class SlowClients {
  private final ServerConnector connector;
  private final Duration limit;
  private final Metrics metrics;
  private Map<EndPoint, Waiting> waiting = new HashMap<>();

  /**
   * A connection between two requests.
   *
   * @param requests how many it has had
   * @param bytes what it had sent when it was first seen so
   * @param since when it was seen to have begun another request, in {@link System#nanoTime()}
   */
  private record Waiting(long requests, long bytes, @Nullable Long since) {}

  SlowClients(ServerConnector connector, Duration limit, Metrics metrics) {
    this.connector = connector;
    this.limit = limit;
    this.metrics = metrics;
  }

  /** To be called every second or so. */
  void sweep() {
    long now = System.nanoTime();
    Map<EndPoint, Waiting> next = new HashMap<>();
    for (EndPoint endPoint : connector.getConnectedEndPoints()) {
      Connection connection = http(endPoint.getConnection());
      if (connection == null || connection.getMessagesIn() != connection.getMessagesOut()) {
        continue;
      }
      Waiting state = waiting(waiting.get(endPoint), connection, now);
      if (state.since() != null && now - state.since() > limit.toNanos()) {
        metrics.increment(Metric.HTTP_SLOW_CLIENTS);
        endPoint.close();
      } else {
        next.put(endPoint, state);
      }
    }
    waiting = next;
  }

  private static Waiting waiting(@Nullable Waiting before, Connection connection, long now) {
    long requests = connection.getMessagesIn();
    if (before == null || before.requests() != requests) {
      // The first request is awaited from the start, so that a TLS handshake cannot trickle either.
      return new Waiting(requests, connection.getBytesIn(), requests == 0 ? now : null);
    }
    return before.since() == null && connection.getBytesIn() > before.bytes()
        ? new Waiting(requests, before.bytes(), now)
        : before;
  }

  private static @Nullable Connection http(@Nullable Connection connection) {
    return connection instanceof SslConnection tls
        ? tls.getSslEndPoint().getConnection()
        : connection;
  }
}
