package io.meshward.daemon;

import java.time.Duration;

/**
 * The bounds of an HTTP server.
 *
 * @param body the largest body; a larger one is answered 413
 * @param connections how many connections are open at once; further ones wait to be accepted
 * @param inFlight how many requests are worked on at once; as many again wait for {@code queue},
 *     then further ones are answered 503
 * @param queue how long a request may wait for its turn
 * @param request how long a client may take to send a request
 * @param idle how long a connection may be silent
 */
public record HttpLimits(
    @Default("1MiB") ByteSize body,
    @Default("512") int connections,
    @Default("128") int inFlight,
    @Default("1s") Duration queue,
    @Default("10s") Duration request,
    @Default("30s") Duration idle) {
  private static final long MAX_BODY = 64L << 20;

  public HttpLimits {
    if (body.bytes() < 1 || body.bytes() > MAX_BODY) {
      throw new IllegalArgumentException("body is " + body + ": expected 1B to 64MiB");
    }
    positive("connections", connections);
    positive("in-flight", inFlight);
    positive("queue", queue);
    positive("request", request);
    positive("idle", idle);
  }

  /** What holds where a configuration says nothing. */
  public static HttpLimits defaults() {
    return ConfigFile.parse("{}", "defaults", HttpLimits.class);
  }

  private static void positive(String key, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(key + " is " + value + ": expected 1 or more");
    }
  }

  private static void positive(String key, Duration value) {
    if (!value.isPositive() || value.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          key + " is " + Durations.print(value) + ": expected 1ms to 1h");
    }
  }
}
