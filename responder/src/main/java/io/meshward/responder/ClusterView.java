package io.meshward.responder;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the informers last saw of the cluster: every pod with its owners and identity, and the
 * workloads that can be scaled. It may lag behind the API; who writes on its word locks with uid
 * and resourceVersion. A pod that is gone stays findable for a grace. Thread-safe.
 */
final class ClusterView {
  /** At most so many pods that are gone stay findable; the oldest go first. */
  private static final int MAX_GONE = 10_000;

  private final PodReader reader;
  private final InstantSource clock;
  private final Duration grace;
  private final Map<String, Seen> pods = new HashMap<>();
  private final Map<String, String> byName = new HashMap<>();
  private final Map<SpiffeId, Set<String>> byIdentity = new HashMap<>();
  private final Map<String, Set<String>> byOwner = new HashMap<>();
  private final Map<String, OwnerRef> controllers = new HashMap<>();
  private final Map<String, Workload> workloads = new HashMap<>();
  private final Deque<String> gone = new ArrayDeque<>();
  private final Deque<Gone> goneWorkloads = new ArrayDeque<>();
  private final List<Consumer<Inventory>> listeners = new CopyOnWriteArrayList<>();

  private volatile boolean complete;

  private record Seen(Pod pod, Inventory inventory) {}

  private record Gone(String uid, Instant at) {}

  /**
   * An empty view.
   *
   * @param grace how long a pod that is gone stays findable
   */
  ClusterView(PodReader reader, InstantSource clock, Duration grace) {
    this.reader = reader;
    this.clock = clock;
    this.grace = grace;
  }

  /** Everything there was has been told, to this view and to {@link PodSelectors}. */
  synchronized void completed() {
    complete = true;
    notifyAll();
  }

  /** Whether everything was told once: before, what is not here may be there. */
  boolean complete() {
    return complete;
  }

  /** Calls back with every pod's new record, in order; the callback must be quick. */
  void listen(Consumer<Inventory> listener) {
    listeners.add(listener);
  }

  /** All pods, those that are gone too. */
  synchronized List<Inventory> pods() {
    return pods.values().stream().map(Seen::inventory).toList();
  }

  /** The pod of a name; one that lives rather than one that is gone. */
  synchronized Optional<Inventory> pod(String namespace, String name) {
    return Optional.ofNullable(byName.get(namespace + "/" + name)).flatMap(this::pod);
  }

  /** The pod of a uid. */
  synchronized Optional<Inventory> pod(String uid) {
    return Optional.ofNullable(pods.get(uid)).map(Seen::inventory);
  }

  /** The pod of a uid as the API last told it, while it lives. */
  synchronized Optional<Pod> livePod(String uid) {
    return Optional.ofNullable(pods.get(uid))
        .filter(seen -> seen.inventory().valid().to() == null)
        .map(Seen::pod);
  }

  /** The pods that should have an identity, those that are gone too. */
  synchronized List<Inventory> podsOf(SpiffeId identity) {
    return all(byIdentity.get(identity));
  }

  /** The pods that should have an identity and are not gone. */
  List<Inventory> livingPodsOf(SpiffeId identity) {
    return podsOf(identity).stream().filter(pod -> pod.valid().to() == null).toList();
  }

  /** The pods under a top owner, those that are gone too. */
  synchronized List<Inventory> podsOf(String ownerUid) {
    return all(byOwner.get(ownerUid));
  }

  /** The workload of a uid, if it can be scaled and is known. */
  synchronized Optional<Workload> workload(String uid) {
    return Optional.ofNullable(workloads.get(uid));
  }

  /** The workload of a name, if it can be scaled and is known. */
  synchronized Optional<Workload> workload(String kind, String namespace, String name) {
    return workloads.values().stream()
        .filter(
            workload ->
                workload.kind().equals(kind)
                    && workload.namespace().equals(namespace)
                    && workload.name().equals(name))
        .findFirst();
  }

  private List<Inventory> all(@Nullable Collection<String> uids) {
    return uids == null
        ? List.of()
        : uids.stream().map(pods::get).map(seen -> seen.inventory()).toList();
  }

  /** A workload was added or changed. */
  void workloadSeen(HasMetadata object, @Nullable Integer replicas) {
    ObjectMeta meta = object.getMetadata();
    synchronized (this) {
      PodReader.controller(meta).ifPresent(owner -> controllers.put(meta.getUid(), owner));
      workloads.put(
          meta.getUid(),
          new Workload(
              object.getKind(),
              meta.getNamespace(),
              meta.getName(),
              meta.getUid(),
              meta.getResourceVersion(),
              replicas == null ? 1 : replicas,
              PodReader.labels(meta)));
      // A pod may be seen before its owner: its chain is then longer than it seemed.
      List<Seen> incomplete =
          all(byOwner.get(meta.getUid())).stream()
              .map(inventory -> pods.get(inventory.pod().uid()))
              .filter(seen -> controllers.containsKey(meta.getUid()))
              .toList();
      for (Seen seen : incomplete) {
        if (seen.inventory().valid().to() == null) {
          put(seen.pod(), seen.inventory().valid().from());
        }
      }
      notifyAll();
    }
  }

  /** A workload is gone; whom it belonged to stays known as long as its pods may be. */
  synchronized void workloadGone(HasMetadata object) {
    workloads.remove(object.getMetadata().getUid());
    goneWorkloads.add(new Gone(object.getMetadata().getUid(), clock.instant()));
    Instant limit = clock.instant().minus(grace);
    while (goneWorkloads.size() > MAX_GONE || goneWorkloads.getFirst().at().isBefore(limit)) {
      controllers.remove(goneWorkloads.removeFirst().uid());
    }
    notifyAll();
  }

  /** A pod was added or changed. */
  synchronized void podSeen(Pod pod) {
    Seen before = pods.get(pod.getMetadata().getUid());
    put(pod, before == null ? PodReader.since(pod) : before.inventory().valid().from());
    notifyAll();
  }

  /** A pod is gone. */
  synchronized void podGone(Pod pod) {
    String uid = pod.getMetadata().getUid();
    Seen seen = pods.get(uid);
    if (seen == null || seen.inventory().valid().to() != null) {
      return;
    }
    Inventory last = seen.inventory();
    Inventory.Pod facts = last.pod();
    Inventory ended =
        new Inventory(
            new Inventory.Pod(
                facts.cluster(),
                facts.namespace(),
                facts.name(),
                facts.uid(),
                facts.ip(),
                facts.node(),
                facts.nodeIp(),
                facts.serviceAccount(),
                facts.hostNetwork(),
                false,
                facts.phase(),
                facts.labels()),
            last.owners(),
            last.spiffeId(),
            new Inventory.Validity(last.valid().from(), clock.instant()));
    pods.put(uid, new Seen(seen.pod(), ended));
    gone.add(uid);
    listeners.forEach(listener -> listener.accept(ended));
    forget();
    notifyAll();
  }

  /**
   * Waits until the view shows something, and looks again at every change.
   *
   * @return whether it showed in time
   */
  synchronized boolean await(BooleanSupplier shown, Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (!shown.getAsBoolean()) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  private void put(Pod pod, Instant from) {
    String uid = pod.getMetadata().getUid();
    Inventory inventory =
        reader.read(pod, owner -> Optional.ofNullable(controllers.get(owner)), from);
    Seen before = pods.put(uid, new Seen(pod, inventory));
    if (before != null) {
      if (before.inventory().equals(inventory)) {
        return;
      }
      unindex(uid, before.inventory());
    }
    byName.put(name(inventory), uid);
    if (inventory.spiffeId() != null) {
      byIdentity.computeIfAbsent(inventory.spiffeId(), key -> new LinkedHashSet<>()).add(uid);
    }
    byOwner.computeIfAbsent(top(inventory), key -> new LinkedHashSet<>()).add(uid);
    listeners.forEach(listener -> listener.accept(inventory));
  }

  private void forget() {
    Instant limit = clock.instant().minus(grace);
    while (!gone.isEmpty()) {
      Seen oldest = pods.get(gone.getFirst());
      Instant to = oldest == null ? null : oldest.inventory().valid().to();
      if (oldest != null && to != null && to.isAfter(limit) && gone.size() <= MAX_GONE) {
        return;
      }
      String uid = gone.removeFirst();
      if (oldest != null) {
        pods.remove(uid);
        unindex(uid, oldest.inventory());
      }
    }
  }

  private void unindex(String uid, Inventory inventory) {
    byName.remove(name(inventory), uid);
    remove(byOwner, top(inventory), uid);
    if (inventory.spiffeId() != null) {
      remove(byIdentity, inventory.spiffeId(), uid);
    }
  }

  private static <K> void remove(Map<K, Set<String>> index, K key, String uid) {
    Set<String> uids = index.get(key);
    if (uids != null && uids.remove(uid) && uids.isEmpty()) {
      index.remove(key);
    }
  }

  private static String name(Inventory inventory) {
    return inventory.pod().namespace() + "/" + inventory.pod().name();
  }

  /** The uid of the owner that an inventory record stands under, as known so far. */
  private static String top(Inventory inventory) {
    return inventory.owners().isEmpty()
        ? inventory.pod().uid()
        : inventory.owners().getLast().uid();
  }
}
