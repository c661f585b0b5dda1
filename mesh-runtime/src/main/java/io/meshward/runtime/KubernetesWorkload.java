package io.meshward.runtime;

import java.util.Map;

/** Where this workload runs in Kubernetes, by which Istio's policies say whom they are for. */
record KubernetesWorkload(String namespace, Map<String, String> labels) {
  KubernetesWorkload {
    labels = Map.copyOf(labels);
  }
}
