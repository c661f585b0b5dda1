package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Target;
import java.util.Objects;

/** The objects and patches that isolate a pod, and where they go. */
final class Isolation {
  private Isolation() {}

  /** The name of a containment's policy. */
  static String policyName(String containment) {
    return "meshward-" + containment;
  }

  static ObjectNode policy(StepContext step) {
    ObjectNode policy = EventCodec.object();
    policy.put("apiVersion", "networking.k8s.io/v1").put("kind", "NetworkPolicy");
    ObjectNode metadata = policy.putObject("metadata");
    metadata
        .put("name", policyName(step.containment()))
        .put("namespace", step.target().namespace());
    metadata
        .putObject("labels")
        .put(Annotations.MANAGED_BY, Annotations.MESHWARD)
        .put(Annotations.CONTAINMENT, step.containment());
    ObjectNode spec = policy.putObject("spec");
    spec.putObject("podSelector")
        .putObject("matchLabels")
        .put(Annotations.CONTAINMENT, step.containment());
    spec.putArray("policyTypes").add("Ingress").add("Egress");
    return policy;
  }

  /** The change of the pod, if nothing was changed since a version. */
  static ObjectNode isolation(StepContext step, ObjectNode prior, String version) {
    ObjectNode patch = isolation(step, prior);
    patch.withObject("metadata").put("resourceVersion", version);
    return patch;
  }

  /** The change of the pod, whatever was changed meanwhile. */
  static ObjectNode isolation(StepContext step, ObjectNode prior) {
    ObjectNode patch = EventCodec.object();
    ObjectNode metadata = patch.putObject("metadata");
    metadata.put("uid", step.target().podUid());
    ObjectNode labels = metadata.putObject("labels");
    JsonNode strip = prior.path("strip");
    strip.properties().forEach(label -> labels.putNull(label.getKey()));
    labels.put(Annotations.CONTAINMENT, step.containment());
    metadata
        .putObject("annotations")
        .put(Annotations.ORIGINAL_LABELS, strip.toString())
        .put(Annotations.ORIGINAL_OWNERS, prior.path("owners").toString());
    return patch;
  }

  /** The change that takes the isolation of a pod back, if nothing was changed since a version. */
  static ObjectNode restoration(StepContext step, ObjectNode prior, String version) {
    ObjectNode patch = EventCodec.object();
    ObjectNode metadata = patch.putObject("metadata");
    metadata.put("uid", step.target().podUid()).put("resourceVersion", version);
    ObjectNode labels = metadata.putObject("labels");
    prior.path("strip").properties().forEach(label -> labels.set(label.getKey(), label.getValue()));
    labels.putNull(Annotations.CONTAINMENT);
    metadata
        .putObject("annotations")
        .putNull(Annotations.ORIGINAL_LABELS)
        .putNull(Annotations.ORIGINAL_OWNERS);
    return patch;
  }

  static boolean labelled(JsonNode pod, StepContext step) {
    return step.containment()
        .equals(pod.path("metadata").path("labels").path(Annotations.CONTAINMENT).asText());
  }

  static boolean ours(JsonNode policy, StepContext step) {
    JsonNode labels = policy.path("metadata").path("labels");
    return labels.path(Annotations.MANAGED_BY).asText().equals(Annotations.MESHWARD)
        && labels.path(Annotations.CONTAINMENT).asText().equals(step.containment());
  }

  static String podPath(Target target) {
    return namespacePath("/api/v1", target)
        + "/pods/"
        + KubernetesApi.segment(Objects.requireNonNull(target.pod(), "target.pod"));
  }

  static String policyPath(StepContext step) {
    return namespacePath("/apis/networking.k8s.io/v1", step.target())
        + "/networkpolicies/"
        + policyName(step.containment());
  }

  static String namespacePath(String group, Target target) {
    return group
        + "/namespaces/"
        + KubernetesApi.segment(Objects.requireNonNull(target.namespace(), "target.namespace"));
  }
}
