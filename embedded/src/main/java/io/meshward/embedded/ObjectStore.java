package io.meshward.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All objects, under one version counter, with a bounded history of changes for watches.
 * Thread-safe: every operation runs under one lock, and {@link #locked} makes a read and the write
 * that depends on it one step. Stored objects are never changed in place.
 */
final class ObjectStore {

  /**
   * A committed change.
   *
   * @param before the object before, null for a creation
   * @param after the object after; for a deletion its last state under the version of the deletion
   * @param deleted the object is gone
   */
  record Change(
      long version, ObjectKey key, @Nullable ApiObject before, ApiObject after, boolean deleted) {}

  /** Objects as of a version. */
  record Snapshot(long version, List<ApiObject> objects) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<ObjectKey, ApiObject> objects = new TreeMap<>();
  private final Deque<Change> history = new ArrayDeque<>();
  private final List<Consumer<Change>> listeners = new CopyOnWriteArrayList<>();
  private final int maxObjects;
  private final int maxHistory;
  private long version = 1;
  private long compacted = 1;

  ObjectStore(int maxObjects, int maxHistory) {
    this.maxObjects = maxObjects;
    this.maxHistory = maxHistory;
  }

  /** Runs the action while nobody else reads or writes. */
  <T> T locked(Supplier<T> action) {
    lock.lock();
    try {
      return action.get();
    } finally {
      lock.unlock();
    }
  }

  long version() {
    return locked(() -> version);
  }

  @Nullable ApiObject get(ObjectKey key) {
    lock.lock();
    try {
      return objects.get(key);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The objects of a resource in a namespace, or in all if it is empty, ordered by namespace and
   * name.
   */
  Snapshot list(ResourceType type, String namespace) {
    return locked(
        () -> {
          ObjectKey from = new ObjectKey(type.storage(), namespace, "");
          List<ApiObject> found = new ArrayList<>();
          for (Map.Entry<ObjectKey, ApiObject> entry : objects.tailMap(from, true).entrySet()) {
            ObjectKey key = entry.getKey();
            if (!key.storage().equals(type.storage())
                || (!namespace.isEmpty() && !key.namespace().equals(namespace))) {
              break;
            }
            found.add(entry.getValue());
          }
          return new Snapshot(version, found);
        });
  }

  /**
   * Commits an object under a new version, which it writes into the object's metadata.
   *
   * @throws ApiFailure 500 if the object is new and the store is full
   */
  ApiObject put(ObjectKey key, ApiObject object) {
    return locked(
        () -> {
          ApiObject before = objects.get(key);
          if (before == null && objects.size() >= maxObjects) {
            throw ApiFailure.internalError(
                "etcdserver: mvcc: database space exceeded: the limit is "
                    + maxObjects
                    + " objects");
          }
          version++;
          object.metadata().put("resourceVersion", Long.toString(version));
          objects.put(key, object);
          publish(new Change(version, key, before, object, false));
          return object;
        });
  }

  /** Removes an object; answers its last state, under the version of the deletion. */
  ApiObject remove(ObjectKey key) {
    return locked(
        () -> {
          ApiObject before = objects.remove(key);
          if (before == null) {
            throw new IllegalStateException("no object at " + key);
          }
          version++;
          ApiObject last = before.copy();
          last.metadata().put("resourceVersion", Long.toString(version));
          publish(new Change(version, key, before, last, true));
          return last;
        });
  }

  /**
   * The kept changes after a version, and from then on each new change to the listener, without a
   * gap.
   *
   * @throws ApiFailure 410 if changes after that version are no longer kept
   */
  List<Change> follow(long after, Consumer<Change> listener) {
    return locked(
        () -> {
          if (after < compacted) {
            throw ApiFailure.expired("too old resource version: " + after + " (" + compacted + ")");
          }
          listeners.add(listener);
          return history.stream().filter(c -> c.version() > after).toList();
        });
  }

  void unfollow(Consumer<Change> listener) {
    listeners.remove(listener);
  }

  /** Forgets all changes so far: a watch or list from an older version is answered 410. */
  void compact() {
    locked(
        () -> {
          history.clear();
          compacted = version;
          return version;
        });
  }

  private void publish(Change change) {
    history.addLast(change);
    while (history.size() > maxHistory) {
      compacted = history.removeFirst().version();
    }
    listeners.forEach(l -> l.accept(change));
  }
}
