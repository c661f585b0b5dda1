package io.meshward.embedded;

import java.util.Map;

/**
 * Where end-to-end tests get their broker: {@link EmbeddedKafka}, unless the system property
 * {@value #PROVIDER} names another {@link BrokerProvider}. The Maven profile {@code containers}
 * sets it to one that runs the {@code apache/kafka} image. A test that stops and restarts its
 * broker asks for {@link EmbeddedKafka} itself.
 */
public final class Brokers {

  /** The system property that names the class of a {@link BrokerProvider}. */
  public static final String PROVIDER = "meshward.test.broker";

  private Brokers() {}

  /** Starts a broker with empty logs and the default settings. */
  public static Broker start() {
    return start(Map.of());
  }

  /**
   * Starts a broker with empty logs.
   *
   * @param properties settings of the broker under Kafka's own names, over the defaults
   * @throws IllegalArgumentException if a property is the broker's own to set
   * @throws IllegalStateException if the broker cannot be started
   */
  public static Broker start(Map<String, String> properties) {
    return provider().start(properties);
  }

  private static BrokerProvider provider() {
    String name = System.getProperty(PROVIDER);
    if (name == null) {
      return EmbeddedKafka::start;
    }
    try {
      return Class.forName(name)
          .asSubclass(BrokerProvider.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException | ClassCastException e) {
      throw new IllegalStateException(
          "a " + BrokerProvider.class.getName() + " expected in " + PROVIDER + "=" + name, e);
    }
  }
}
