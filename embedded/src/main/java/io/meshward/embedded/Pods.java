package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiObject.Owner;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the workload controllers do with pods: claim those that are theirs, create and end them. */
final class Pods {

  /** Pods that a controller would rather end come first: unbound, not ready, young. */
  static final Comparator<ApiObject> LEAST_VALUABLE_FIRST =
      Comparator.comparing(
              (ApiObject p) -> !p.json().path("spec").path("nodeName").asText().isEmpty())
          .thenComparing(Pods::isReady)
          .thenComparing(Pods::readySince, Comparator.reverseOrder())
          .thenComparing(
              p -> p.metadata().path("creationTimestamp").asText(), Comparator.reverseOrder())
          .thenComparing(ApiObject::name);

  private static final WriteOptions CONTROLLER = WriteOptions.by("kube-controller-manager");

  private final Registry registry;

  Pods(Registry registry) {
    this.registry = registry;
  }

  static boolean isReady(ApiObject pod) {
    return Conditions.isTrue(pod, "Ready");
  }

  /** Neither ended nor ending. */
  static boolean isActive(ApiObject pod) {
    String phase = pod.json().path("status").path("phase").asText();
    return !pod.isDeleting() && !phase.equals("Succeeded") && !phase.equals("Failed");
  }

  private static String readySince(ApiObject pod) {
    return Conditions.find(pod, "Ready").map(c -> c.path("lastTransitionTime").asText()).orElse("");
  }

  /**
   * The pods that an owner controls, after it has released those that its selector does not match
   * any more and adopted matching ones that nobody controls.
   *
   * @param candidates the pods that it may control or adopt
   */
  List<ApiObject> claim(ApiObject owner, ResourceType ownerType, List<ApiObject> candidates) {
    LabelSelector selector = LabelSelector.of(owner.json().path("spec").path("selector"));
    List<ApiObject> claimed = new ArrayList<>();
    for (ApiObject candidate : candidates) {
      ApiObject pod = current(candidate);
      if (pod == null) {
        continue;
      }
      boolean matches = selector.matches(pod.labels());
      if (pod.isControlledBy(owner)) {
        if (matches) {
          claimed.add(pod);
        } else if (!owner.isDeleting()) {
          setOwners(pod, pod.owners().stream().filter(o -> !o.uid().equals(owner.uid())).toList());
        }
      } else if (pod.controller().isEmpty()
          && matches
          && !owner.isDeleting()
          && !pod.isDeleting()) {
        List<Owner> owners = new ArrayList<>(pod.owners());
        owners.add(controllerReference(owner, ownerType));
        claimed.add(setOwners(pod, owners));
      }
    }
    return claimed;
  }

  /** A pod as it is by now: the owners before may have claimed or ended it. */
  private @Nullable ApiObject current(ApiObject pod) {
    ApiObject stored =
        registry.store().get(ObjectKey.of(ResourceCatalogue.PODS, pod.namespace(), pod.name()));
    return stored != null && stored.uid().equals(pod.uid()) ? stored : null;
  }

  private ApiObject setOwners(ApiObject pod, List<Owner> owners) {
    return registry
        .update(
            ResourceCatalogue.PODS,
            pod.namespace(),
            pod.name(),
            KindDecoder.Origin.PATCH,
            current -> {
              current.setOwners(owners);
              return current.json();
            },
            CONTROLLER)
        .object();
  }

  static Owner controllerReference(ApiObject owner, ResourceType type) {
    return new Owner(type.apiVersion(), type.kind(), owner.name(), owner.uid(), true, true);
  }

  /** A pod of the owner's template, not yet created. */
  static ApiObject fromTemplate(ApiObject owner, ResourceType ownerType) {
    ObjectNode template = (ObjectNode) owner.json().path("spec").path("template");
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("kind", "Pod").put("apiVersion", "v1");
    json.set("metadata", template.path("metadata").deepCopy());
    json.set("spec", template.path("spec").deepCopy());
    ApiObject pod = new ApiObject(json);
    pod.metadata().put("namespace", owner.namespace());
    pod.setOwners(List.of(controllerReference(owner, ownerType)));
    return pod;
  }

  /** Creates a pod for its controller. */
  void create(ApiObject pod) {
    registry.create(ResourceCatalogue.PODS, pod.namespace(), pod, CONTROLLER);
  }

  /** Ends a pod with its own grace period. */
  void delete(ApiObject pod) {
    registry.delete(
        ResourceCatalogue.PODS,
        pod.namespace(),
        pod.name(),
        DeleteOptions.BACKGROUND.ofUid(pod.uid()));
  }
}
