package io.meshward.detect;

import io.meshward.daemon.KafkaConfig;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;

/** The settings of Kafka Streams that our promises rest on. */
final class StreamsSettings {
  /** Under which the exception handlers find where to park records. */
  static final String PARKING = "meshward.parking";

  /** Lets the handler see failures on the inventory too; its constant is deprecated already. */
  private static final String GLOBAL_HANDLER = "processing.exception.handler.global.enabled";

  private static final String APPLICATION = "detect";
  private static final int MAX_REQUEST_BYTES = 2 * 1024 * 1024;

  /** The first detection of a day must not wait until its topic is looked up again. */
  private static final long NEVER_FORGET_MS = Duration.ofDays(30).toMillis();

  private StreamsSettings() {}

  /**
   * The settings of one instance.
   *
   * @param instance who this instance is, over its restarts
   */
  static Properties of(DetectConfig config, String instance, Parking parking) {
    KafkaConfig kafka = config.kafka();
    DetectConfig.Timing timing = config.timing();
    Properties all = new Properties();
    all.putAll(kafka.client(kafka.id(APPLICATION), clientProperties()));
    all.put(StreamsConfig.APPLICATION_ID_CONFIG, kafka.id(APPLICATION));
    all.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    all.put(StreamsConfig.STATE_DIR_CONFIG, config.stateDirectory().toString());
    all.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, config.threads());
    all.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, timing.commitInterval().toMillis());
    all.put(StreamsConfig.POLL_MS_CONFIG, timing.poll().toMillis());
    all.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0L);
    all.put(StreamsConfig.ENSURE_EXPLICIT_INTERNAL_RESOURCE_NAMING_CONFIG, true);
    all.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG, ParkProcessingFailures.class);
    all.put(StreamsConfig.PRODUCTION_EXCEPTION_HANDLER_CLASS_CONFIG, ParkRefusedRecords.class);
    all.put(GLOBAL_HANDLER, true);
    all.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, SmallRocksDb.class);
    all.put(PARKING, parking);
    producer(all, ProducerConfig.LINGER_MS_CONFIG, timing.linger().toMillis());
    producer(all, ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_REQUEST_BYTES);
    producer(all, ProducerConfig.METADATA_MAX_IDLE_CONFIG, NEVER_FORGET_MS);
    // A transaction right behind another waits for it to be completed: look again soon.
    producer(all, ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 2);
    producer(all, ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, 200);
    // A second request would overtake a first that has to wait for the transaction before.
    producer(all, ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
    consumer(all, ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    consumer(all, ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, instance);
    // An instance that comes back sooner keeps its partitions; else others take them.
    consumer(all, ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
    consumer(all, ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 2_000);
    return all;
  }

  private static Set<String> clientProperties() {
    Set<String> names = new HashSet<>(ConsumerConfig.configNames());
    names.addAll(ProducerConfig.configNames());
    names.addAll(AdminClientConfig.configNames());
    return names;
  }

  private static void producer(Properties all, String name, Object value) {
    all.putIfAbsent(StreamsConfig.producerPrefix(name), value);
  }

  private static void consumer(Properties all, String name, Object value) {
    all.putIfAbsent(StreamsConfig.mainConsumerPrefix(name), value);
  }

  /** A group's state is small and their number bounded: RocksDB's defaults would hold gigabytes. */
  public static final class SmallRocksDb
      implements org.apache.kafka.streams.state.RocksDBConfigSetter {
    private static final long WRITE_BUFFER = 1024 * 1024;
    private static final LRUCache CACHE = new LRUCache(16 * 1024 * 1024);

    @Override
    public void setConfig(String storeName, Options options, Map<String, Object> configs) {
      BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
      table.setBlockCache(CACHE);
      options.setTableFormatConfig(table);
      options.setWriteBufferSize(WRITE_BUFFER);
      options.setMaxWriteBufferNumber(2);
    }

    @Override
    public void close(String storeName, Options options) {
      // The cache is shared by all stores and lives as long as the process.
    }
  }
}
