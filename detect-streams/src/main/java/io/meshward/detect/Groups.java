package io.meshward.detect;

import io.meshward.detect.EventCount.Progress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/**
 * The groups of all correlations on one partition of facts.
 *
 * <p>Each detection may have so many groups here and no more: one that gets too many loses the
 * group whose latest fact is oldest, never another detection's. Beside the store, which survives
 * restarts, stand the groups in the order of their latest facts: that is the order in which they
 * end. Not thread-safe.
 */
final class Groups {
  private final KeyValueStore<String, byte[]> store;
  private final int capacity;
  private final Map<String, Map<String, Age>> byDetection = new HashMap<>();
  private int size;

  private record Age(long newest, long lastArrival) {}

  /**
   * @param capacity how many groups of one detection there are at most
   */
  Groups(KeyValueStore<String, byte[]> store, int capacity) {
    this.store = store;
    this.capacity = capacity;
    try (KeyValueIterator<String, byte[]> all = store.all()) {
      List<KeyValue<String, GroupState>> states = new ArrayList<>();
      all.forEachRemaining(
          entry -> states.add(KeyValue.pair(entry.key, GroupState.decode(entry.value))));
      states.sort(Comparator.comparingLong(entry -> entry.value.lastArrival()));
      states.forEach(entry -> remember(Group.detectionOf(entry.key), entry.key, entry.value));
    }
  }

  static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
    return Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(name), Serdes.String(), Serdes.ByteArray())
        .withLoggingEnabled(SeenEvents.CHANGELOG)
        .withCachingDisabled();
  }

  GroupState get(String key) {
    byte[] json = store.get(key);
    return json == null ? GroupState.EMPTY : GroupState.decode(json);
  }

  /**
   * Keeps a group's state.
   *
   * @return whether another group had to leave for it
   */
  boolean put(String detection, String key, GroupState state) {
    store.put(key, state.encode());
    Map<String, Age> groups = remember(detection, key, state);
    if (groups.size() <= capacity) {
      return false;
    }
    Iterator<String> oldest = groups.keySet().iterator();
    store.delete(oldest.next());
    oldest.remove();
    size--;
    return true;
  }

  /**
   * Forgets the groups whose windows are over.
   *
   * @param window what counts a detection's groups; null if there is no such detection any more
   */
  void sweep(Function<String, @Nullable EventCount> window, Progress progress) {
    byDetection.forEach(
        (detection, groups) -> {
          EventCount counting = window.apply(detection);
          Iterator<Map.Entry<String, Age>> oldestFirst = groups.entrySet().iterator();
          while (oldestFirst.hasNext()) {
            Map.Entry<String, Age> group = oldestFirst.next();
            if (counting != null
                && !counting.isOver(
                    group.getValue().newest(), group.getValue().lastArrival(), progress)) {
              break;
            }
            store.delete(group.getKey());
            oldestFirst.remove();
            size--;
          }
        });
    byDetection.values().removeIf(Map::isEmpty);
  }

  /** How many groups there are. */
  int size() {
    return size;
  }

  private Map<String, Age> remember(String detection, String key, GroupState state) {
    Map<String, Age> groups = byDetection.computeIfAbsent(detection, name -> new LinkedHashMap<>());
    if (groups.remove(key) == null) {
      size++;
    }
    groups.put(key, new Age(state.newest(), state.lastArrival()));
    return groups;
  }
}
