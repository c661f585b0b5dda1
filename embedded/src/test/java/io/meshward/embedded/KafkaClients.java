package io.meshward.embedded;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Plain Kafka clients of one broker, bounded in all they wait for. */
final class KafkaClients {

  private static final Duration TIMEOUT = Duration.ofMinutes(1);

  private final Map<String, Object> common = new HashMap<>();

  KafkaClients(Broker broker) {
    this(broker, Map.of());
  }

  /** Clients with these settings, say for TLS. */
  KafkaClients(Broker broker, Map<String, ?> settings) {
    common.putAll(settings);
    common.put("bootstrap.servers", broker.bootstrapServers());
  }

  void createTopic(String topic) throws Exception {
    try (Admin admin = Admin.create(common)) {
      admin
          .createTopics(List.of(new NewTopic(topic, 1, (short) 1)))
          .all()
          .get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  KafkaProducer<String, String> producer(Map<String, Object> settings) {
    var all = new HashMap<>(common);
    all.put("acks", "all");
    all.put("linger.ms", 0);
    all.put("max.block.ms", (int) TIMEOUT.toMillis());
    all.put("reconnect.backoff.max.ms", 100);
    all.putAll(settings);
    return new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
  }

  KafkaConsumer<String, String> consumer(String group) {
    var all = new HashMap<>(common);
    all.put("group.id", group);
    all.put("auto.offset.reset", "earliest");
    all.put("enable.auto.commit", false);
    all.put("isolation.level", "read_committed");
    all.put("default.api.timeout.ms", (int) TIMEOUT.toMillis());
    all.put("reconnect.backoff.max.ms", 100);
    return new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
  }

  void produce(String topic, String... values) throws Exception {
    try (var producer = producer(Map.of())) {
      for (String value : values) {
        producer
            .send(new ProducerRecord<>(topic, value))
            .get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  /** Reads that many records as a member of the group, commits, and returns their values. */
  List<String> consume(String group, String topic, int count) {
    try (var consumer = consumer(group)) {
      consumer.subscribe(List.of(topic));
      var values = new ArrayList<String>();
      long deadline = System.nanoTime() + TIMEOUT.toNanos();
      while (values.size() < count) {
        if (System.nanoTime() - deadline > 0) {
          throw new AssertionError(count + " records expected in " + topic + ", read " + values);
        }
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          values.add(record.value());
        }
      }
      consumer.commitSync(TIMEOUT);
      return values;
    }
  }
}
