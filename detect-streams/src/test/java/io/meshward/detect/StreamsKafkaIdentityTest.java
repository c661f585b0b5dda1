package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.KafkaConfig;
import io.meshward.runtime.KafkaSettings;
import io.meshward.runtime.MeshSslEngineFactory;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.Test;

class StreamsKafkaIdentityTest {

  @Test
  void everyClientOfStreamsIsToldWhereItsIdentityComesFrom() {
    Map<String, String> identity =
        Map.of(
            "ssl.engine.factory.class",
            MeshSslEngineFactory.class.getName(),
            KafkaSettings.WORKLOAD_API,
            "unix:/run/spire/agent.sock",
            KafkaSettings.BROKERS,
            "spiffe://example.org/ns/kafka/*");
    Map<String, Object> properties =
        new HashMap<>(
            new KafkaConfig("localhost:9092", "meshward", identity)
                .client("detect", ConsumerConfig.configNames()));
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "detect");
    StreamsConfig streams = new StreamsConfig(properties);

    assertThat(streams.getMainConsumerConfigs("g", "c", 0)).containsAllEntriesOf(identity);
    assertThat(streams.getRestoreConsumerConfigs("c")).containsAllEntriesOf(identity);
    assertThat(streams.getGlobalConsumerConfigs("c")).containsAllEntriesOf(identity);
    assertThat(streams.getProducerConfigs("c")).containsAllEntriesOf(identity);
    assertThat(streams.getAdminConfigs("c")).containsAllEntriesOf(identity);
  }
}
