package io.meshward.runtime;

import java.time.Duration;

/**
 * Bounds of the transport, the same for every server and channel of one runtime. Both sides'
 * keepalive fit together: a client never pings more often than a server permits.
 *
 * @param handshakeTimeout how long a TLS handshake may take
 * @param maxConnections how many connections one runtime has at a time
 * @param maxConnectionAge the longest a server keeps a connection, if the SVID's life is not
 *     shorter
 * @param maxConnectionAgeGrace how long calls in flight may then go on
 * @param maxConnectionIdle how long a connection without calls is kept
 * @param keepAliveTime how long a connection is silent before it is probed
 * @param keepAliveTimeout how long a probe may stay unanswered
 * @param permitKeepAliveTime how often a client may probe a server
 * @param maxMetadataBytes the largest metadata of a call
 * @param maxCallsPerConnection how many calls one connection carries at a time
 * @param maxResetsPerWindow how many streams a client may reset within {@code resetWindow}
 */
record TransportLimits(
    Duration handshakeTimeout,
    int maxConnections,
    Duration maxConnectionAge,
    Duration maxConnectionAgeGrace,
    Duration maxConnectionIdle,
    Duration keepAliveTime,
    Duration keepAliveTimeout,
    Duration permitKeepAliveTime,
    int maxMetadataBytes,
    int maxCallsPerConnection,
    int maxResetsPerWindow,
    Duration resetWindow) {

  static TransportLimits defaults() {
    return new TransportLimits(
        Duration.ofSeconds(10),
        10_000,
        Duration.ofMinutes(30),
        Duration.ofSeconds(60),
        Duration.ofMinutes(30),
        Duration.ofSeconds(30),
        Duration.ofSeconds(10),
        Duration.ofSeconds(20),
        16 * 1024,
        1_000,
        200,
        Duration.ofSeconds(10));
  }

  TransportLimits withHandshakeTimeout(Duration timeout) {
    return new TransportLimits(
        timeout,
        maxConnections,
        maxConnectionAge,
        maxConnectionAgeGrace,
        maxConnectionIdle,
        keepAliveTime,
        keepAliveTimeout,
        permitKeepAliveTime,
        maxMetadataBytes,
        maxCallsPerConnection,
        maxResetsPerWindow,
        resetWindow);
  }

  TransportLimits withMaxConnections(int connections) {
    return new TransportLimits(
        handshakeTimeout,
        connections,
        maxConnectionAge,
        maxConnectionAgeGrace,
        maxConnectionIdle,
        keepAliveTime,
        keepAliveTimeout,
        permitKeepAliveTime,
        maxMetadataBytes,
        maxCallsPerConnection,
        maxResetsPerWindow,
        resetWindow);
  }

  /** How old a connection may get on a server whose SVIDs live that long. */
  Duration connectionAge(Duration svidLifetime) {
    Duration half = svidLifetime.dividedBy(2);
    return half.compareTo(maxConnectionAge) < 0 ? half : maxConnectionAge;
  }
}
