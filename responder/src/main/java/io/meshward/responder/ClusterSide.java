package io.meshward.responder;

import io.meshward.daemon.Health;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one cluster that a responder acts in: the connection, what its informers see, and the actions
 * on it. Thread-safe.
 */
final class ClusterSide implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ClusterSide.class);
  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Duration ASK = Duration.ofSeconds(5);

  private final KubernetesConnection connection;
  private final ClusterView view;
  private final Informers informers;
  private final ScaleAction scale;
  private final IsolateAction isolate;
  private final Health.Check check;

  private ClusterSide(
      ResponderConfig config, Set<String> actions, InstantSource clock, Health health) {
    check = health.check("cluster");
    connection =
        KubernetesConnection.open(
            config.kubernetes().kubeconfig(), config.kubernetes().requestTimeout());
    view =
        new ClusterView(
            new PodReader(
                config.cluster(),
                config.trustDomain(),
                config.inventory().preferAddressAnnotation()),
            clock,
            config.inventory().keepGonePods());
    PodSelectors selectors = new PodSelectors();
    scale = new ScaleAction(connection.api(), view, clock);
    isolate = new IsolateAction(connection.api(), view, selectors, clock);
    List<ClusterAction> wanted =
        Stream.<ClusterAction>of(scale, isolate)
            .filter(action -> actions.contains(action.name()))
            .toList();
    try {
      new AccessCheck(connection.api()).require(AccessCheck.needs(config, wanted), ASK);
    } catch (IllegalStateException e) {
      connection.close();
      throw e;
    }
    informers = new Informers(connection.client(), view, selectors, config.inventory().resync());
  }

  /**
   * Connects; the informers synchronise in the background.
   *
   * @param actions what the playbooks do
   * @throws IllegalArgumentException if the kubeconfig cannot be used
   * @throws IllegalStateException if the API does not allow something that is needed
   */
  static ClusterSide connect(
      ResponderConfig config, Set<String> actions, InstantSource clock, Health health) {
    return new ClusterSide(config, actions, clock, health);
  }

  KubernetesApi api() {
    return connection.api();
  }

  ClusterView view() {
    return view;
  }

  /** The action of a name. */
  ClusterAction action(String name) {
    return switch (name) {
      case ScaleAction.NAME -> scale;
      case IsolateAction.NAME -> isolate;
      default -> throw new IllegalArgumentException("'" + name + "' does not act on the cluster");
    };
  }

  /** Whether the informers have seen everything once. */
  boolean synced() {
    boolean synced = view.complete();
    if (synced) {
      check.pass();
    } else {
      check.fail("the informers have not seen everything yet");
    }
    return synced;
  }

  /** Waits until the informers have seen everything, for a time; goes on without them then. */
  void awaitSync(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (!synced()) {
      if (System.nanoTime() > end) {
        log.atWarn().log("the cluster does not answer: targets are not resolved until it does");
        return;
      }
      try {
        Thread.sleep(LOOK);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Which workloads have the identities that a quarantine refuses. */
  FanOut fanOut(Subject subject) {
    return switch (subject.kind()) {
      case SPIFFE_ID -> FanOut.of(view.livingPodsOf(SpiffeId.parse(subject.value())));
      case TRUST_DOMAIN ->
          FanOut.of(
              view.pods().stream()
                  .filter(pod -> pod.valid().to() == null)
                  .filter(
                      pod ->
                          pod.spiffeId() != null
                              && pod.spiffeId().trustDomain().equals(subject.trustDomain()))
                  .toList());
      case PATH_PREFIX, SERIAL, KEY_HASH, IP -> FanOut.of(List.of());
    };
  }

  /** Whether a peer told its pod and no such pod lives. */
  boolean gone(LocalWorkload peer) {
    return peer.id() != null
        && peer.pod() != null
        && view.livingPodsOf(peer.id()).stream()
            .noneMatch(pod -> pod.pod().name().equals(peer.pod()));
  }

  /** Whether the owner of a contained pod is at full strength without it. */
  boolean replaced(Containment containment) {
    OwnerRef owner = containment.target().owner();
    if (owner == null) {
      return false;
    }
    List<Inventory> pods =
        view.podsOf(owner.uid()).stream().filter(pod -> pod.valid().to() == null).toList();
    long ready = pods.stream().filter(pod -> pod.pod().ready() && !isolated(pod)).count();
    // One that kept its labels when it was isolated still holds a replacement's place.
    boolean keepsPlace = owner.kind().equals("StatefulSet");
    long held = keepsPlace ? pods.stream().filter(ClusterSide::isolated).count() : 0;
    return view.workload(owner.uid())
        .map(workload -> workload.replicas() > 0 && ready + held >= workload.replicas())
        .orElse(false);
  }

  private static boolean isolated(Inventory pod) {
    return pod.pod().labels().containsKey(Annotations.CONTAINMENT);
  }

  @Override
  public void close() {
    informers.close();
    connection.close();
  }
}
