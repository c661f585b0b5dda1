package io.meshward.embedded;

import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/** Runs each broker in a container of its own from the {@code apache/kafka} image. */
final class ContainerBrokerProvider implements BrokerProvider {

  private static final DockerImageName IMAGE = DockerImageName.parse("apache/kafka:4.3.1");

  @Override
  public Broker start(Map<String, String> properties) {
    BrokerSettings.check(properties);
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      throw new IllegalStateException(
          "the profile 'containers' needs a Docker engine and none answers: start one, or leave out"
              + " -Pcontainers to test against the embedded broker");
    }
    var container =
        new KafkaContainer(IMAGE)
            .withEnv(environment(BrokerSettings.DEFAULTS))
            .withEnv(environment(properties));
    container.start();
    return new ContainerBroker(container);
  }

  /** The image reads each setting from a variable: {@code log.dirs} from {@code KAFKA_LOG_DIRS}. */
  private static Map<String, String> environment(Map<String, String> properties) {
    return properties.entrySet().stream()
        .collect(
            Collectors.toMap(
                property -> "KAFKA_" + property.getKey().replace('.', '_').toUpperCase(Locale.ROOT),
                Map.Entry::getValue));
  }

  private record ContainerBroker(KafkaContainer container) implements Broker {

    @Override
    public String bootstrapServers() {
      return container.getBootstrapServers();
    }

    @Override
    public void close() {
      container.stop();
    }
  }
}
