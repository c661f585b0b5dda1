package io.meshward.daemon;

import io.meshward.runtime.KafkaSettings;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How a process reaches Kafka.
 *
 * @param bootstrapServers {@code host:port}, several with commas
 * @param prefix what the names of all topics, groups and transactions start with
 * @param properties further properties of Kafka's clients under Kafka's own names, such as {@code
 *     security.protocol}, and those of {@link KafkaSettings}; each client takes those that it
 *     knows. A password's value is {@code env:NAME} or {@code file:/path}. What Meshward's promises
 *     rest on cannot be set.
 */
public record KafkaConfig(
    String bootstrapServers,
    @Default(TopicCatalogue.DEFAULT_PREFIX) String prefix,
    @Default("{}") Map<String, String> properties) {

  /** Larger than the largest record of any topic, with room for its headers. */
  private static final int MAX_REQUEST_BYTES = 2 * 1024 * 1024;

  /** An alert after a quiet day must not wait until its topic is looked up again. */
  private static final long NEVER_FORGET_MS = Duration.ofDays(30).toMillis();

  private static final Set<String> OWNED =
      Set.of(
          ProducerConfig.ACKS_CONFIG,
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
          ProducerConfig.TRANSACTIONAL_ID_CONFIG,
          ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.PARTITIONER_CLASS_CONFIG,
          ConsumerConfig.GROUP_ID_CONFIG,
          ConsumerConfig.ISOLATION_LEVEL_CONFIG,
          ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
          ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
          ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
          ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
          ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
          CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
          CommonClientConfigs.CLIENT_ID_CONFIG);

  public KafkaConfig {
    if (bootstrapServers.isBlank()) {
      throw new IllegalArgumentException(
          "bootstrap-servers is blank: expected host:port, several with commas");
    }
    for (String server : bootstrapServers.split(",", -1)) {
      try {
        HostPort.parse(server.strip());
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "bootstrap-servers: '" + server + "': expected " + e.getMessage(), e);
      }
    }
    TopicCatalogue.requirePrefix(prefix);
    properties = Map.copyOf(properties);
    properties.forEach(KafkaConfig::check);
  }

  private static void check(String name, String value) {
    if (OWNED.contains(name)) {
      throw new IllegalArgumentException(
          "properties." + name + " is set by Meshward: expected another property");
    }
    if (!ProducerConfig.configNames().contains(name)
        && !ConsumerConfig.configNames().contains(name)
        && !AdminClientConfig.configNames().contains(name)
        && !KafkaSettings.isClientProperty(name)) {
      throw new IllegalArgumentException(
          "properties."
              + name
              + " is unknown: expected a property of Kafka's clients, or of Meshward's plugins for"
              + " them");
    }
    if (isPassword(name) && !Secret.isReference(value)) {
      throw new IllegalArgumentException(
          "properties." + name + " is a secret: expected its place, env:NAME or file:/path");
    }
  }

  private static boolean isPassword(String name) {
    ConfigDef.ConfigKey key = ProducerConfig.configDef().configKeys().get(name);
    return key != null && key.type == ConfigDef.Type.PASSWORD;
  }

  /** The name of a topic on the broker. */
  public String topic(Topic topic) {
    return topic.name(prefix);
  }

  /**
   * What to say when no broker answers. One that knows clients by their SVIDs tells none why it
   * closes its connection, so to this process the two are alike.
   */
  public String unreachable() {
    return "no broker answers at "
        + bootstrapServers
        + (properties.containsKey(KafkaSettings.BROKERS)
            ? ", or each closes the connection, as to an identity that is quarantined: its log says"
                + " why"
            : "");
  }

  /** The id of a consumer group, an application or a transaction: the name behind the prefix. */
  public String id(String name) {
    return prefix + "." + name;
  }

  /**
   * Properties of a producer of bytes whose every acknowledged record is on all replicas in sync,
   * once. It sends at once; a batch forms while the connection is busy.
   *
   * @param clientId what the broker's logs and quotas call it
   */
  public Map<String, Object> producer(String clientId) {
    Map<String, Object> all = client(clientId, ProducerConfig.configNames());
    all.put(ProducerConfig.ACKS_CONFIG, "all");
    all.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    all.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    all.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    all.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, 0);
    all.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, 64 * 1024);
    all.putIfAbsent(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_REQUEST_BYTES);
    all.putIfAbsent(ProducerConfig.METADATA_MAX_IDLE_CONFIG, NEVER_FORGET_MS);
    return all;
  }

  /**
   * Properties of a consumer of bytes that reads what is committed, from the start where the group
   * has no position, and commits only when told.
   *
   * @param group the group's name behind the prefix
   */
  public Map<String, Object> consumer(String clientId, String group) {
    Map<String, Object> all = reader(clientId);
    all.put(ConsumerConfig.GROUP_ID_CONFIG, id(group));
    return all;
  }

  /** Properties of a consumer without a group, which is assigned its partitions by hand. */
  public Map<String, Object> reader(String clientId) {
    Map<String, Object> all = client(clientId, ConsumerConfig.configNames());
    all.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    all.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    all.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    all.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    all.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    all.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    return all;
  }

  /** Properties of an administration client. */
  public Map<String, Object> admin(String clientId) {
    return client(clientId, AdminClientConfig.configNames());
  }

  /**
   * What all clients share: where the brokers are, how to speak to them and how soon to try again.
   *
   * @param known the names of the properties that the client understands
   */
  public Map<String, Object> client(String clientId, Set<String> known) {
    Map<String, Object> all = new HashMap<>();
    all.put(CommonClientConfigs.RECONNECT_BACKOFF_MS_CONFIG, 50);
    all.put(CommonClientConfigs.RECONNECT_BACKOFF_MAX_MS_CONFIG, 1000);
    all.put(CommonClientConfigs.RETRY_BACKOFF_MS_CONFIG, 50);
    properties.forEach(
        (name, value) -> {
          if (known.contains(name) || KafkaSettings.isClientProperty(name)) {
            all.put(name, isPassword(name) ? Secret.parse(value).read() : value);
          }
        });
    all.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    all.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId);
    return all;
  }
}
