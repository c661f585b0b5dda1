package io.meshward.embedded;

import java.util.Map;

/**
 * Starts brokers of another kind than {@link EmbeddedKafka}; see {@link Brokers}. Has a constructor
 * without parameters.
 */
public interface BrokerProvider {

  /**
   * Starts a broker with empty logs.
   *
   * @param properties settings of the broker under Kafka's own names, over the defaults
   * @throws IllegalStateException if no broker can be started here; the message says what is
   *     missing
   */
  Broker start(Map<String, String> properties);
}
