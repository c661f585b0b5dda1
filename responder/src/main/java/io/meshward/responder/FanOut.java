package io.meshward.responder;

import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The workloads that share an identity, and so what a quarantine of it concerns.
 *
 * @param pods how many pods have it
 * @param workloads their top owners, as {@code Deployment shop/orders}, in order
 */
record FanOut(int pods, List<String> workloads) {
  /** How many workloads its words name. */
  private static final int NAMED = 5;

  FanOut {
    workloads = List.copyOf(workloads);
  }

  /** The workloads of pods. */
  static FanOut of(List<Inventory> pods) {
    Map<String, String> byUid = new TreeMap<>();
    for (Inventory pod : pods) {
      OwnerRef owner = pod.target().owner();
      if (owner != null) {
        byUid.put(owner.uid(), owner.kind() + " " + pod.pod().namespace() + "/" + owner.name());
      }
    }
    return new FanOut(pods.size(), byUid.values().stream().sorted().toList());
  }

  /** For people: {@code 3 pods of Deployment shop/orders, Deployment shop/orders-batch}. */
  @Override
  public String toString() {
    if (workloads.isEmpty()) {
      return "no pod of this cluster has it";
    }
    int more = workloads.size() - NAMED;
    return (pods == 1 ? "1 pod of " : pods + " pods of ")
        + String.join(", ", workloads.subList(0, Math.min(NAMED, workloads.size())))
        + (more > 0 ? " and " + more + " more" : "");
  }
}
