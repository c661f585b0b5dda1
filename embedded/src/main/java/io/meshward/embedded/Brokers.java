package io.meshward.embedded;

import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Where end-to-end tests get their broker: {@link EmbeddedKafka}, unless a {@link BrokerProvider}
 * is on the class path. The Maven profile {@code containers} puts one there that runs the {@code
 * apache/kafka} image. A test that stops and restarts its broker asks for {@link EmbeddedKafka}
 * itself.
 */
public final class Brokers {

  private Brokers() {}

  /** Starts a broker with empty logs and the default settings. */
  public static Broker start() {
    return start(Map.of());
  }

  /**
   * Starts a broker with empty logs.
   *
   * @param properties settings of the broker under Kafka's own names, over the defaults
   * @throws IllegalStateException if the broker cannot be started
   */
  public static Broker start(Map<String, String> properties) {
    List<BrokerProvider> providers =
        ServiceLoader.load(BrokerProvider.class).stream().map(ServiceLoader.Provider::get).toList();
    return switch (providers.size()) {
      case 0 -> EmbeddedKafka.start(properties);
      case 1 -> providers.getFirst().start(properties);
      default ->
          throw new IllegalStateException(
              "one broker provider expected on the class path, found " + providers);
    };
  }
}
