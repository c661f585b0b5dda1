package io.meshward.schemas;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A pod as the responder's informers see it: kind {@code inventory}.
 *
 * @param owners the controller chain from the pod upwards; the last one is the top owner
 * @param spiffeId the identity the pod should have
 */
public record Inventory(Pod pod, List<OwnerRef> owners, @Nullable SpiffeId spiffeId, Validity valid)
    implements Event {
  public Inventory {
    owners = List.copyOf(owners);
  }

  /**
   * The pod.
   *
   * @param ip the address its connections come from; absent until it has one
   * @param hostNetwork whether it shares its node's address
   */
  public record Pod(
      String cluster,
      String namespace,
      String name,
      String uid,
      @Nullable String ip,
      @Nullable String node,
      @Nullable String nodeIp,
      String serviceAccount,
      boolean hostNetwork,
      boolean ready,
      @Nullable String phase,
      Map<String, String> labels) {
    public Pod {
      Require.text(cluster, "pod.cluster");
      Require.text(namespace, "pod.namespace");
      Require.text(name, "pod.name");
      Require.text(uid, "pod.uid");
      labels = Map.copyOf(new TreeMap<>(labels));
    }
  }

  /** Since when and until when the pod had its address; {@code to} is absent while it lives. */
  public record Validity(Instant from, @Nullable Instant to) {}

  /** Whom this pod stands for, with its top owner (or itself). */
  public Target target() {
    OwnerRef top =
        owners.isEmpty()
            ? new OwnerRef("Pod", pod.name(), pod.uid())
            : owners.get(owners.size() - 1);
    return new Target(
        pod.cluster(),
        pod.namespace(),
        pod.name(),
        pod.uid(),
        pod.node(),
        pod.serviceAccount(),
        top,
        spiffeId);
  }
}
