package io.meshward.embedded;

/**
 * A Kafka broker that the holder owns.
 *
 * <p>Topics are never created by use, internal topics need one replica, and transactions work. It
 * answers once it is in the holder's hands. Safe for use by several threads.
 */
public interface Broker extends AutoCloseable {

  /** {@code host:port} to give to clients as {@code bootstrap.servers}. */
  String bootstrapServers();

  /** Stops the broker and gives up what it holds. Idempotent. */
  @Override
  void close();
}
