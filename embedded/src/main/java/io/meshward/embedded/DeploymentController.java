package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiObject.Owner;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Keeps one replica set for each deployment at the deployment's replica count, and reports its
 * state.
 */
final class DeploymentController implements Controllers.Controller {

  private static final WriteOptions OPTIONS = WriteOptions.by("kube-controller-manager");
  private static final String HASH = "pod-template-hash";
  private static final String REVISION = "deployment.kubernetes.io/revision";

  private final Registry registry;

  /** In which state each was left: it needs no second look in the same. */
  private Map<String, String> settled = new HashMap<>();

  DeploymentController(Registry registry) {
    this.registry = registry;
  }

  @Override
  public Optional<Duration> reconcile() {
    Controlled all =
        new Controlled(registry.store().list(ResourceCatalogue.REPLICA_SETS, "").objects());
    Map<String, String> looked = new HashMap<>();
    for (ApiObject deployment :
        registry.store().list(ResourceCatalogue.DEPLOYMENTS, "").objects()) {
      String state = all.state(deployment);
      looked.put(deployment.uid(), state);
      if (state.equals(settled.get(deployment.uid()))) {
        continue;
      }
      Optional<ApiObject> owned = owned(deployment, all);
      if (!deployment.isDeleting()) {
        report(deployment, scaled(deployment, owned.orElseGet(() -> created(deployment))));
      } else {
        owned.ifPresent(replicaSet -> report(deployment, replicaSet));
      }
    }
    settled = looked;
    return Optional.empty();
  }

  /** The deployment's replica set, after it has adopted a matching one that nobody controls. */
  private Optional<ApiObject> owned(ApiObject deployment, Controlled all) {
    LabelSelector selector = LabelSelector.of(deployment.json().path("spec").path("selector"));
    for (ApiObject candidate : all.candidates(deployment)) {
      if (candidate.isControlledBy(deployment)) {
        return Optional.of(candidate);
      }
      boolean free = isFree(candidate) && !candidate.isDeleting();
      if (free && !deployment.isDeleting() && selector.matches(candidate.labels())) {
        return Optional.of(adopted(candidate, deployment));
      }
    }
    return Optional.empty();
  }

  private ApiObject created(ApiObject deployment) {
    return registry.create(
        ResourceCatalogue.REPLICA_SETS, deployment.namespace(), newReplicaSet(deployment), OPTIONS);
  }

  /** Whether nobody controls it by now: a deployment before may have adopted it. */
  private boolean isFree(ApiObject replicaSet) {
    ApiObject current =
        registry
            .store()
            .get(
                ObjectKey.of(
                    ResourceCatalogue.REPLICA_SETS, replicaSet.namespace(), replicaSet.name()));
    return current != null && current.controller().isEmpty();
  }

  private ApiObject adopted(ApiObject replicaSet, ApiObject deployment) {
    return update(
        replicaSet,
        current ->
            current.setOwners(
                List.of(Pods.controllerReference(deployment, ResourceCatalogue.DEPLOYMENTS))));
  }

  private static ApiObject newReplicaSet(ApiObject deployment) {
    ObjectNode template = deployment.json().path("spec").path("template").deepCopy();
    String hash = Identifiers.hash(deployment.uid() + template);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("kind", "ReplicaSet").put("apiVersion", "apps/v1");
    ApiObject replicaSet = new ApiObject(json);
    ObjectNode metadata = replicaSet.metadata();
    metadata.put("name", deployment.name() + "-" + hash).put("namespace", deployment.namespace());
    ((ObjectNode) template.path("metadata").path("labels")).put(HASH, hash);
    metadata.set("labels", template.path("metadata").path("labels").deepCopy());
    long replicas = deployment.json().path("spec").path("replicas").asLong();
    annotate(metadata.putObject("annotations"), replicas);
    replicaSet.setOwners(
        List.of(
            new Owner("apps/v1", "Deployment", deployment.name(), deployment.uid(), true, true)));
    ObjectNode spec = replicaSet.spec().put("replicas", replicas);
    ObjectNode selector = deployment.json().path("spec").path("selector").deepCopy();
    (selector.path("matchLabels") instanceof ObjectNode labels
            ? labels
            : selector.putObject("matchLabels"))
        .put(HASH, hash);
    spec.set("selector", selector);
    spec.set("template", template);
    return replicaSet;
  }

  private static void annotate(ObjectNode annotations, long replicas) {
    annotations.put("deployment.kubernetes.io/desired-replicas", Long.toString(replicas));
    annotations.put(
        "deployment.kubernetes.io/max-replicas", Long.toString(replicas + (replicas + 3) / 4));
    annotations.put(REVISION, "1");
  }

  private ApiObject scaled(ApiObject deployment, ApiObject replicaSet) {
    long wanted = deployment.json().path("spec").path("replicas").asLong();
    if (replicaSet.isDeleting()
        || replicaSet.json().path("spec").path("replicas").asLong() == wanted) {
      return replicaSet;
    }
    return update(
        replicaSet,
        current -> {
          current.spec().put("replicas", wanted);
          annotate(current.metadata().withObject("annotations"), wanted);
        });
  }

  private ApiObject update(ApiObject replicaSet, java.util.function.Consumer<ApiObject> change) {
    return registry
        .update(
            ResourceCatalogue.REPLICA_SETS,
            replicaSet.namespace(),
            replicaSet.name(),
            KindDecoder.Origin.PATCH,
            current -> {
              change.accept(current);
              return current.json();
            },
            OPTIONS)
        .object();
  }

  private void report(ApiObject deployment, ApiObject replicaSet) {
    long wanted = deployment.json().path("spec").path("replicas").asLong();
    long replicas = replicaSet.json().path("status").path("replicas").asLong();
    long ready = replicaSet.json().path("status").path("readyReplicas").asLong();
    long available = replicaSet.json().path("status").path("availableReplicas").asLong();
    registry.updateSubresource(
        ResourceCatalogue.DEPLOYMENTS,
        deployment.namespace(),
        deployment.name(),
        "status",
        current -> {
          current.metadata().withObject("annotations").put(REVISION, "1");
          ObjectNode status = current.status();
          status.put("observedGeneration", current.generation());
          status.put(
              "terminatingReplicas",
              replicaSet.json().path("status").path("terminatingReplicas").asLong());
          status.put("replicas", replicas);
          status.put("updatedReplicas", replicas);
          status.put("readyReplicas", ready);
          status.put("availableReplicas", available);
          status.put("unavailableReplicas", Math.max(0, wanted - available));
          boolean complete = available == wanted && replicas == wanted;
          if (complete) {
            condition(
                current,
                "Progressing",
                true,
                "NewReplicaSetAvailable",
                "ReplicaSet \"" + replicaSet.name() + "\" has successfully progressed.");
          } else if (Conditions.find(current, "Progressing").isEmpty()) {
            condition(
                current,
                "Progressing",
                true,
                "NewReplicaSetCreated",
                "Created new replica set \"" + replicaSet.name() + "\"");
          }
          Conditions.find(replicaSet, "ReplicaFailure")
              .ifPresentOrElse(
                  c ->
                      condition(
                          current,
                          "ReplicaFailure",
                          true,
                          c.path("reason").asText(),
                          c.path("message").asText()),
                  () -> Conditions.remove(current, "ReplicaFailure"));
          boolean enough = available >= wanted - wanted / 4;
          condition(
              current,
              "Available",
              enough,
              enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
              enough
                  ? "Deployment has minimum availability."
                  : "Deployment does not have minimum availability.");
        },
        OPTIONS);
  }

  private void condition(
      ApiObject deployment, String type, boolean value, String reason, String message) {
    boolean same =
        Conditions.isTrue(deployment, type) == value
            && Conditions.find(deployment, type)
                .filter(c -> c.path("reason").asText().equals(reason))
                .isPresent();
    if (!same) {
      Conditions.set(deployment, type, value, reason, message, registry.now())
          .put("lastUpdateTime", registry.now());
    }
  }
}
