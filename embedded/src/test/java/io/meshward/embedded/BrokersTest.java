package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Holds for every kind of broker: it is also run with {@code -Pcontainers}. */
class BrokersTest {

  @Test
  void givesABrokerThatServes() throws Exception {
    try (Broker broker = Brokers.start()) {
      var clients = new KafkaClients(broker);
      clients.createTopic("alerts");
      clients.produce("alerts", "one");

      assertThat(clients.consume("group", "alerts", 1)).containsExactly("one");
    }
  }

  @Test
  void refusesSettingsThatAreTheBrokersOwn() {
    assertThatThrownBy(() -> Brokers.start(Map.of("node.id", "7")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'node.id'");
  }
}
