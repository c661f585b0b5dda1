package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.Map;

/**
 * All that the Workload API last said about this workload, as one snapshot. Immutable.
 *
 * @param svid the SVID this workload uses
 * @param bundles the authorities to judge peers by, per trust domain
 * @param generation grows with every snapshot of one runtime
 */
public record WorkloadIdentity(
    X509Svid svid, Map<TrustDomain, TrustBundle> bundles, long generation) {
  public WorkloadIdentity {
    bundles = Map.copyOf(bundles);
  }
}
