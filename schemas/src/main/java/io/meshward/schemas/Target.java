package io.meshward.schemas;

import org.jspecify.annotations.Nullable;

/**
 * Whom a detection or a containment is about, as far as it is known.
 *
 * @param cluster the cluster's configured name
 * @param namespace the Kubernetes namespace
 * @param pod the pod's name
 * @param podUid the pod's uid
 * @param node the node the pod runs on
 * @param serviceAccount the pod's service account
 * @param owner the pod's top owner, or the pod itself if nothing owns it
 * @param spiffeId the identity to blame
 */
public record Target(
    @Nullable String cluster,
    @Nullable String namespace,
    @Nullable String pod,
    @Nullable String podUid,
    @Nullable String node,
    @Nullable String serviceAccount,
    @Nullable OwnerRef owner,
    @Nullable SpiffeId spiffeId) {

  /**
   * The key that orders everything about this target: {@code cluster/owner uid}, else the SPIFFE
   * ID, else {@code unknown}.
   */
  public String key() {
    if (cluster != null && owner != null) {
      return cluster + "/" + owner.uid();
    }
    return spiffeId != null ? spiffeId.toString() : "unknown";
  }
}
