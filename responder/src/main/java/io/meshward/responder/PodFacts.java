package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.TreeMap;

/** What isolating a pod needs to know of it. */
record PodFacts(String uid, String version, boolean hostNetwork, Map<String, String> labels) {
  PodFacts {
    labels = Map.copyOf(labels);
  }

  /** As an informer has it. */
  static PodFacts of(Pod pod) {
    return new PodFacts(
        pod.getMetadata().getUid(),
        pod.getMetadata().getResourceVersion(),
        Boolean.TRUE.equals(pod.getSpec().getHostNetwork()),
        PodReader.labels(pod.getMetadata()));
  }

  /** As the API tells it. */
  static PodFacts of(JsonNode pod) {
    Map<String, String> labels = new TreeMap<>();
    pod.at("/metadata/labels")
        .properties()
        .forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
    return new PodFacts(
        pod.at("/metadata/uid").asText(),
        pod.at("/metadata/resourceVersion").asText(),
        pod.at("/spec/hostNetwork").asBoolean(false),
        labels);
  }
}
