package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whom a policy is asked about: the peer, or somebody it calls on behalf of. Immutable.
 *
 * @param namespace the Kubernetes namespace, if the ID is {@code /ns/NAMESPACE/sa/SERVICE_ACCOUNT}
 * @param serviceAccount the Kubernetes service account, if the ID names one
 */
record Principal(SpiffeId id, @Nullable String namespace, @Nullable String serviceAccount) {

  static Principal of(SpiffeId id) {
    List<String> segments = id.segments();
    boolean kubernetes =
        segments.size() == 4 && segments.get(0).equals("ns") && segments.get(2).equals("sa");
    return kubernetes
        ? new Principal(id, segments.get(1), segments.get(3))
        : new Principal(id, null, null);
  }
}
