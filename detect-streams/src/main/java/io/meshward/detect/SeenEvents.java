package io.meshward.detect;

import io.meshward.schemas.CloudEvents;
import java.util.Map;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The latest events of one partition that matched something, so that an event that is sent twice
 * counts once. Bounded by number: the one seen longest ago is forgotten first. An event is known by
 * its source and id together, so that nobody can use up another's ids. Not thread-safe.
 */
final class SeenEvents {
  private static final byte[] SEEN = {1};

  /** Small segments: the topic is read whole at a restart, and compaction spares the newest. */
  static final Map<String, String> CHANGELOG =
      Map.of(
          TopicConfig.SEGMENT_BYTES_CONFIG, "4194304",
          TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG, "0.2");

  private final KeyValueStore<String, byte[]> store;

  SeenEvents(KeyValueStore<String, byte[]> store) {
    this.store = store;
  }

  /** A store for so many events of each partition, kept over restarts. */
  static StoreBuilder<KeyValueStore<String, byte[]>> store(String name, int capacity) {
    return Stores.keyValueStoreBuilder(
            Stores.lruMap(name, capacity), Serdes.String(), Serdes.ByteArray())
        .withLoggingEnabled(CHANGELOG)
        .withCachingDisabled();
  }

  boolean contains(CloudEvents.Attributes event) {
    return store.get(key(event)) != null;
  }

  void add(CloudEvents.Attributes event) {
    store.put(key(event), SEEN);
  }

  /** How many are remembered. */
  long size() {
    return store.approximateNumEntries();
  }

  private static String key(CloudEvents.Attributes event) {
    return event.source() + "\n" + event.id();
  }
}
