package io.meshward.responder;

import java.util.Map;

/**
 * A workload that can be scaled, as an informer last saw it.
 *
 * @param resourceVersion the version that was seen: a lock for a write that relies on it
 * @param replicas how many are wanted
 */
record Workload(
    String kind,
    String namespace,
    String name,
    String uid,
    String resourceVersion,
    int replicas,
    Map<String, String> labels) {
  Workload {
    labels = Map.copyOf(labels);
  }
}
