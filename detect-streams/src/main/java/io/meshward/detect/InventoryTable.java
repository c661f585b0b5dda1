package io.meshward.detect;

import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.jspecify.annotations.Nullable;

/**
 * The inventory as a global table in memory: the pods of all clusters by name, by address and by
 * identity. As large as the inventory's topic is after compaction. Thread-safe.
 *
 * <p>Events and inventory travel on different ways, so that every question is asked for a moment
 * and answered with {@link #GRACE} around each pod's time with its address.
 */
final class InventoryTable implements StateStore {
  static final String NAME = "inventory";

  /** How long an address may still, or already, be a pod's: addresses are used again. */
  static final Duration GRACE = Duration.ofSeconds(30);

  /** How long the first inventory must have been there before anything is concluded from gaps. */
  static final Duration SETTLING = Duration.ofSeconds(5);

  /** How far back the inventory remembers pods that have ended. */
  static final Duration MEMORY = Duration.ofMinutes(5);

  private record Address(String cluster, String ip) {}

  private record Name(String cluster, String namespace, String pod) {}

  private final Map<String, Inventory> pods = new HashMap<>();
  private final Map<Name, Set<String>> byName = new HashMap<>();
  private final Map<Address, Set<String>> byAddress = new HashMap<>();
  private final Map<Address, Set<String>> byNodeAddress = new HashMap<>();
  private final Map<SpiffeId, Set<String>> byIdentity = new HashMap<>();
  private @Nullable Instant firstSeen;
  private boolean open;

  /** Puts or, without a pod, removes what is known under a key. */
  synchronized void put(String key, @Nullable Inventory pod, Instant writtenAt) {
    Inventory before = pod == null ? pods.remove(key) : pods.put(key, pod);
    if (before != null) {
      index(key, before, false);
    }
    if (pod != null) {
      index(key, pod, true);
      if (firstSeen == null || writtenAt.isBefore(firstSeen)) {
        firstSeen = writtenAt;
      }
    }
  }

  /** The pod of a name at a moment; of several, the one that came last. */
  synchronized Optional<Inventory> named(
      String cluster, String namespace, String name, Instant moment) {
    return found(byName, new Name(cluster, namespace, name)).stream()
        .filter(pod -> livedAt(pod, moment))
        .max(Comparator.comparing(pod -> pod.valid().from()));
  }

  /**
   * The pods that may have had an address at a moment, those that surely had it first. Pods that
   * share their node's address are not among them.
   */
  synchronized List<Inventory> atAddress(String cluster, String ip, Instant moment) {
    return found(byAddress, new Address(cluster, ip)).stream()
        .filter(pod -> livedAt(pod, moment))
        .sorted(Comparator.comparing((Inventory pod) -> !hadAddress(pod, moment)))
        .toList();
  }

  /** Whether an address is a node's. */
  synchronized boolean isNode(String cluster, String ip) {
    return byNodeAddress.containsKey(new Address(cluster, ip));
  }

  /** The pods that have an identity, also those that ended and are still remembered. */
  synchronized List<Inventory> ofIdentity(SpiffeId identity) {
    return found(byIdentity, identity);
  }

  /**
   * Whether it is known where all pods of an identity ran at a moment: the inventory has been there
   * for a while and reaches back that far, it knows pods of the identity, and none of them is on a
   * node and still without address.
   */
  synchronized boolean knowsPlacesOf(SpiffeId identity, Instant moment, Instant now) {
    List<Inventory> known = found(byIdentity, identity);
    return firstSeen != null
        && !now.isBefore(firstSeen.plus(SETTLING))
        && !moment.isBefore(now.minus(MEMORY))
        && !known.isEmpty()
        && known.stream().noneMatch(InventoryTable::awaitsAddress);
  }

  /** The one top owner of all pods of an identity, if there is exactly one. */
  Optional<Inventory> soleOwner(SpiffeId identity) {
    Map<OwnerRef, Inventory> owners = new LinkedHashMap<>();
    for (Inventory pod : ofIdentity(identity)) {
      OwnerRef owner = pod.target().owner();
      if (owner != null) {
        owners.putIfAbsent(owner, pod);
      }
    }
    return owners.size() == 1 ? owners.values().stream().findAny() : Optional.empty();
  }

  /** How many pods are known. */
  synchronized int size() {
    return pods.size();
  }

  private static boolean awaitsAddress(Inventory pod) {
    return pod.valid().to() == null && pod.pod().ip() == null && pod.pod().node() != null;
  }

  private static boolean hadAddress(Inventory pod, Instant moment) {
    Instant to = pod.valid().to();
    return !pod.valid().from().isAfter(moment) && (to == null || to.isAfter(moment));
  }

  private static boolean livedAt(Inventory pod, Instant moment) {
    Instant to = pod.valid().to();
    return !pod.valid().from().minus(GRACE).isAfter(moment)
        && (to == null || to.plus(GRACE).isAfter(moment));
  }

  private void index(String key, Inventory inventory, boolean present) {
    Inventory.Pod pod = inventory.pod();
    update(byName, new Name(pod.cluster(), pod.namespace(), pod.name()), key, present);
    if (pod.ip() != null) {
      Address address = new Address(pod.cluster(), pod.ip());
      update(pod.hostNetwork() ? byNodeAddress : byAddress, address, key, present);
    }
    if (pod.nodeIp() != null) {
      update(byNodeAddress, new Address(pod.cluster(), pod.nodeIp()), key, present);
    }
    if (inventory.spiffeId() != null) {
      update(byIdentity, inventory.spiffeId(), key, present);
    }
  }

  private static <K> void update(Map<K, Set<String>> index, K at, String key, boolean present) {
    if (present) {
      index.computeIfAbsent(at, absent -> new HashSet<>()).add(key);
    } else {
      index.computeIfPresent(
          at,
          (same, keys) -> {
            keys.remove(key);
            return keys.isEmpty() ? null : keys;
          });
    }
  }

  private <K> List<Inventory> found(Map<K, Set<String>> index, K at) {
    return index.getOrDefault(at, Set.of()).stream()
        .sorted()
        .map(pods::get)
        .collect(Collectors.toUnmodifiableList());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void init(StateStoreContext context, StateStore root) {
    context.register(
        root,
        (key, value) -> {
          throw new IllegalStateException("a global store is restored through its processor");
        });
    open = true;
  }

  @Override
  public void close() {
    open = false;
  }

  @Override
  public boolean persistent() {
    return false;
  }

  @Override
  public boolean isOpen() {
    return open;
  }
}
