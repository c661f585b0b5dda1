package io.meshward.runtime;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that authorization goes by, as one snapshot. Immutable.
 *
 * @param shadow the policy on trial, evaluated beside the enforced one
 */
record PolicySet(
    AuthorizationPolicy enforced, @Nullable AuthorizationPolicy shadow, ServiceTable services) {

  /**
   * Reads a policy's text: ours, or Istio's with its dry runs as the policy on trial.
   *
   * @param workload by which Istio's policies choose, if it is known
   * @throws InvalidPolicyException naming what is wrong and where
   */
  static PolicySet read(String text, Roles roles, @Nullable KubernetesWorkload workload)
      throws InvalidPolicyException {
    List<PolicyNode> documents = PolicyDocument.read(text, "policy");
    PolicyReader reader = new PolicyReader(roles);
    if (documents.isEmpty() || !documents.stream().allMatch(IstioImport::reads)) {
      return new PolicySet(
          reader.read(PolicyDocument.readOne(text, "policy")), null, ServiceTable.EMPTY);
    }
    IstioImport.Imported imported = IstioImport.read(documents, workload);
    PolicyNode dryRuns = imported.shadow();
    return new PolicySet(
        reader.readImported(imported.enforced()),
        dryRuns == null ? null : reader.readImported(dryRuns),
        ServiceTable.EMPTY);
  }

  /** Whether any rule of either policy looks at {@code risk.score}. */
  boolean asksForRisk() {
    return enforced.asksForRisk() || (shadow != null && shadow.asksForRisk());
  }

  /** What holds without any policy. */
  static final PolicySet REFUSE_ALL =
      new PolicySet(AuthorizationPolicy.REFUSE_ALL, null, ServiceTable.EMPTY);
}
