package io.meshward.detect;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.EventType;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the inventory adds to one event: whom it is about, and which pod stands behind the peer's
 * address. Asked only where a rule or a detection needs it. Not thread-safe.
 */
final class Surroundings {
  private final InventoryTable inventory;
  private final String cluster;
  private final EventType type;
  private final JsonNode event;
  private final Instant moment;
  private final Instant now;

  private final Lazy<Optional<Inventory>> peerPod = new Lazy<>(this::findPeerPod);
  private final Lazy<Optional<Inventory>> pod = new Lazy<>(this::findPod);
  private final Lazy<Target> target = new Lazy<>(this::findTarget);

  /**
   * @param cluster where the reporters of mesh events run
   * @param moment event time
   * @param now the wall clock
   */
  Surroundings(
      InventoryTable inventory,
      String cluster,
      EventType type,
      JsonNode event,
      Instant moment,
      Instant now) {
    this.inventory = inventory;
    this.cluster = cluster;
    this.type = type;
    this.event = event;
    this.moment = moment;
    this.now = now;
  }

  /**
   * Whom the event is about. An alert: its pod. A handshake or a call: the peer's verified
   * identity, with the pod behind the peer's address if that has this identity, else with the one
   * owner of all pods of the identity; without a verified identity, the pod behind the address. A
   * lifecycle event: its reporter.
   */
  Target target() {
    return target.get();
  }

  /** The pod the event is about, if it is one that the inventory knows. */
  Optional<Inventory> pod() {
    return pod.get();
  }

  /** The pod behind the peer's address; where several may be, the one with the peer's identity. */
  Optional<Inventory> peerPod() {
    return peerPod.get();
  }

  /**
   * Where the peer's address is: {@code pod}, {@code node}, or {@code outside} of what the
   * inventory knows. Null if there is none, or if the inventory cannot decide: then a rule on it
   * does not match.
   */
  @Nullable String peerLocation() {
    String ip = text("peer", "ip");
    if (ip == null) {
      return null;
    }
    if (peerPod().isPresent()) {
      return "pod";
    }
    if (inventory.isNode(cluster, ip)) {
      return "node";
    }
    boolean decidable =
        verifiedPeer().filter(id -> inventory.knowsPlacesOf(id, moment, now)).isPresent();
    return decidable ? "outside" : null;
  }

  /** How long the pod behind the peer's address had had it when the event happened. */
  Optional<Duration> peerPodAge() {
    return peerPod().map(pod -> Duration.between(pod.valid().from(), moment));
  }

  private Target findTarget() {
    return pod()
        .map(Inventory::target)
        .orElseGet(() -> identity().map(this::ofIdentity).orElseGet(this::named));
  }

  private Optional<Inventory> findPod() {
    return switch (type) {
      case FALCO_ALERT -> alertedPod();
      case TLS_HANDSHAKE, AUTHZ_DECISION ->
          verifiedPeer()
              .map(id -> peerPod().filter(pod -> id.equals(pod.spiffeId())))
              .orElseGet(this::peerPod);
      case SVID_LIFECYCLE -> reportingPod();
      case DETECTION,
          WORK,
          RESPONSE,
          CONTAINMENT,
          QUARANTINE,
          ENFORCEMENT,
          INVENTORY,
          FACT,
          APPROVAL,
          CONTROL,
          RISK,
          POLICY,
          DEAD_LETTER ->
          Optional.empty();
    };
  }

  private Optional<Inventory> alertedPod() {
    String cluster = text("k8s", "cluster");
    String namespace = text("k8s", "ns", "name");
    String name = text("k8s", "pod", "name");
    return cluster == null || namespace == null || name == null
        ? Optional.empty()
        : inventory.named(cluster, namespace, name, moment);
  }

  private Optional<Inventory> reportingPod() {
    String name = text("local", "pod");
    return identity().stream()
        .flatMap(id -> inventory.ofIdentity(id).stream())
        .filter(pod -> pod.pod().name().equals(name))
        .findFirst();
  }

  private Optional<Inventory> findPeerPod() {
    String ip = text("peer", "ip");
    if (ip == null) {
      return Optional.empty();
    }
    List<Inventory> candidates = inventory.atAddress(cluster, ip, moment);
    Optional<SpiffeId> id = verifiedPeer();
    return candidates.stream()
        .filter(pod -> id.isPresent() && id.get().equals(pod.spiffeId()))
        .findFirst()
        .or(() -> candidates.stream().findFirst());
  }

  /** The identity the event is about. */
  private Optional<SpiffeId> identity() {
    return type == EventType.SVID_LIFECYCLE ? spiffeId(text("local", "id")) : verifiedPeer();
  }

  private Optional<SpiffeId> verifiedPeer() {
    return spiffeId(text("peer", "id"));
  }

  private Target ofIdentity(SpiffeId id) {
    Target workload =
        inventory
            .soleOwner(id)
            .map(Inventory::target)
            .orElse(new Target(cluster, null, null, null, null, null, null, id));
    OwnerRef owner = workload.owner();
    return new Target(
        workload.cluster(),
        workload.namespace(),
        null,
        null,
        null,
        workload.serviceAccount(),
        owner,
        id);
  }

  /** What the event itself says, where the inventory says nothing. */
  private Target named() {
    String cluster = text("k8s", "cluster");
    return new Target(
        cluster == null ? this.cluster : cluster,
        text("k8s", "ns", "name"),
        text("k8s", "pod", "name"),
        null,
        null,
        null,
        null,
        null);
  }

  private static Optional<SpiffeId> spiffeId(@Nullable String text) {
    try {
      return text == null ? Optional.empty() : Optional.of(SpiffeId.parse(text));
    } catch (InvalidSpiffeIdException e) {
      return Optional.empty();
    }
  }

  private @Nullable String text(String... path) {
    JsonNode node = event;
    for (String step : path) {
      node = node.path(step);
    }
    return node.isTextual() ? node.textValue() : null;
  }
}
