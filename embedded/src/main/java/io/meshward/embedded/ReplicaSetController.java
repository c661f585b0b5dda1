package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Keeps as many pods as each replica set wants: claims, creates, ends, reports. */
final class ReplicaSetController implements Controllers.Controller {

  private static final WriteOptions OPTIONS = WriteOptions.by("kube-controller-manager");

  private final Registry registry;
  private final Pods pods;

  /** In which state each was left: it needs no second look in the same. */
  private Map<String, String> settled = new HashMap<>();

  ReplicaSetController(Registry registry) {
    this.registry = registry;
    this.pods = new Pods(registry);
  }

  @Override
  public Optional<Duration> reconcile() {
    Controlled all = new Controlled(registry.store().list(ResourceCatalogue.PODS, "").objects());
    Map<String, String> looked = new HashMap<>();
    for (ApiObject replicaSet :
        registry.store().list(ResourceCatalogue.REPLICA_SETS, "").objects()) {
      String state = all.state(replicaSet);
      ApiFailure failure = null;
      if (!state.equals(settled.get(replicaSet.uid()))) {
        List<ApiObject> claimed =
            pods.claim(replicaSet, ResourceCatalogue.REPLICA_SETS, all.candidates(replicaSet));
        failure = replicaSet.isDeleting() ? null : scale(replicaSet, claimed);
        report(replicaSet, claimed, failure);
      }
      if (failure == null) {
        looked.put(replicaSet.uid(), state);
      }
    }
    settled = looked;
    return Optional.empty();
  }

  private @Nullable ApiFailure scale(ApiObject replicaSet, List<ApiObject> claimed) {
    List<ApiObject> active = claimed.stream().filter(Pods::isActive).toList();
    long missing = replicaSet.json().path("spec").path("replicas").asLong() - active.size();
    try {
      for (long i = 0; i < missing; i++) {
        ApiObject pod = Pods.fromTemplate(replicaSet, ResourceCatalogue.REPLICA_SETS);
        pod.metadata().put("generateName", replicaSet.name() + "-");
        pods.create(pod);
      }
    } catch (ApiFailure e) {
      return e;
    }
    active.stream()
        .sorted(Pods.LEAST_VALUABLE_FIRST)
        .limit(Math.max(0, -missing))
        .forEach(pods::delete);
    return null;
  }

  private void report(ApiObject replicaSet, List<ApiObject> claimed, @Nullable ApiFailure failure) {
    List<ApiObject> active = claimed.stream().filter(Pods::isActive).toList();
    long ready = active.stream().filter(Pods::isReady).count();
    registry.updateSubresource(
        ResourceCatalogue.REPLICA_SETS,
        replicaSet.namespace(),
        replicaSet.name(),
        "status",
        current -> {
          ObjectNode status = current.status();
          status.put("replicas", active.size());
          status.put("fullyLabeledReplicas", active.size());
          status.put("readyReplicas", ready);
          status.put("availableReplicas", ready);
          status.put("terminatingReplicas", claimed.stream().filter(ApiObject::isDeleting).count());
          status.put("observedGeneration", current.generation());
          if (failure == null) {
            Conditions.remove(current, "ReplicaFailure");
          } else if (Conditions.find(current, "ReplicaFailure").isEmpty()) {
            // Kept while it lasts: each attempt has another pod's name in its message, and a state
            // that changes with every attempt would call for the next one at once.
            Conditions.set(
                current,
                "ReplicaFailure",
                true,
                "FailedCreate",
                failure.getMessage(),
                registry.now());
          }
        },
        OPTIONS);
  }
}
