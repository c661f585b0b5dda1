package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Keeps pods with fixed names for each stateful set: in order, one after the other, unless the set
 * says {@code Parallel}.
 */
final class StatefulSetController implements Controllers.Controller {

  private static final WriteOptions OPTIONS = WriteOptions.by("kube-controller-manager");

  private final Registry registry;
  private final Pods pods;

  StatefulSetController(Registry registry) {
    this.registry = registry;
    this.pods = new Pods(registry);
  }

  @Override
  public Optional<Duration> reconcile() {
    Controlled all = new Controlled(registry.store().list(ResourceCatalogue.PODS, "").objects());
    for (ApiObject set : registry.store().list(ResourceCatalogue.STATEFUL_SETS, "").objects()) {
      List<ApiObject> claimed =
          pods.claim(set, ResourceCatalogue.STATEFUL_SETS, all.candidates(set));
      if (!set.isDeleting() && !createNext(set, claimed)) {
        endLast(set, claimed);
      }
      report(set, claimed);
    }
    return Optional.empty();
  }

  /**
   * Creates what is missing; true while pods are still to come up, so that none is ended meanwhile.
   */
  private boolean createNext(ApiObject set, List<ApiObject> claimed) {
    boolean parallel = isParallel(set);
    long start = start(set);
    boolean waiting = false;
    for (long ordinal = start; ordinal < start + replicas(set); ordinal++) {
      String name = set.name() + "-" + ordinal;
      Optional<ApiObject> present = claimed.stream().filter(p -> p.name().equals(name)).findFirst();
      if (present.isEmpty()
          && registry.store().get(ObjectKey.of(ResourceCatalogue.PODS, set.namespace(), name))
              == null) {
        create(set, name, ordinal);
      }
      boolean up = present.filter(p -> Pods.isActive(p) && Pods.isReady(p)).isPresent();
      waiting |= !up;
      if (!up && !parallel) {
        return true;
      }
    }
    return waiting && !parallel;
  }

  private void create(ApiObject set, String name, long ordinal) {
    ApiObject pod = Pods.fromTemplate(set, ResourceCatalogue.STATEFUL_SETS);
    ObjectNode metadata = pod.metadata();
    metadata.put("name", name).put("generateName", set.name() + "-");
    metadata
        .withObject("labels")
        .put("statefulset.kubernetes.io/pod-name", name)
        .put("apps.kubernetes.io/pod-index", Long.toString(ordinal))
        .put("controller-revision-hash", revision(set));
    pod.spec().put("hostname", name);
    String service = set.json().path("spec").path("serviceName").asText("");
    if (!service.isEmpty()) {
      pod.spec().put("subdomain", service);
    }
    pods.create(pod);
  }

  /**
   * Ends pods beyond the replica count, the highest first, each after the one before it is gone.
   */
  private void endLast(ApiObject set, List<ApiObject> claimed) {
    long end = start(set) + replicas(set);
    List<ApiObject> surplus =
        claimed.stream()
            .filter(p -> ordinal(p) < start(set) || ordinal(p) >= end)
            .sorted((a, b) -> Long.compare(ordinal(b), ordinal(a)))
            .toList();
    if (!isParallel(set) && surplus.stream().anyMatch(ApiObject::isDeleting)) {
      return;
    }
    surplus.stream()
        .filter(Pods::isActive)
        .limit(isParallel(set) ? Long.MAX_VALUE : 1)
        .forEach(pods::delete);
  }

  private void report(ApiObject set, List<ApiObject> claimed) {
    List<ApiObject> active = claimed.stream().filter(Pods::isActive).toList();
    long ready = active.stream().filter(Pods::isReady).count();
    registry.updateSubresource(
        ResourceCatalogue.STATEFUL_SETS,
        set.namespace(),
        set.name(),
        "status",
        current -> {
          ObjectNode status = current.status();
          status.put("observedGeneration", current.generation());
          status.put("replicas", claimed.size());
          for (String field : List.of("currentReplicas", "updatedReplicas")) {
            status.put(field, active.size());
          }
          status.put("readyReplicas", ready);
          status.put("availableReplicas", ready);
          status
              .put("currentRevision", revision(set))
              .put("updateRevision", revision(set))
              .put("collisionCount", 0);
        },
        OPTIONS);
  }

  private static String revision(ApiObject set) {
    return set.name() + "-" + Identifiers.hash(set.json().path("spec").path("template").toString());
  }

  private static boolean isParallel(ApiObject set) {
    return set.json().path("spec").path("podManagementPolicy").asText().equals("Parallel");
  }

  private static long replicas(ApiObject set) {
    return set.json().path("spec").path("replicas").asLong();
  }

  private static long start(ApiObject set) {
    return set.json().path("spec").path("ordinals").path("start").asLong();
  }

  private static long ordinal(ApiObject pod) {
    try {
      return Long.parseLong(pod.name().substring(pod.name().lastIndexOf('-') + 1));
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }
}
