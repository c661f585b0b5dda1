package io.meshward.runtime;

import java.util.Map;
import java.util.Optional;

/**
 * What a policy's text comes to, for tools that check or publish policies. Immutable.
 *
 * @param id its name and the start of its content hash, as events name it
 * @param revision SHA-256 of its content, in hexadecimal
 * @param shadowId the same as {@code id} of the dry runs in it, if there are any
 */
public record PolicySummary(
    String id, String revision, int denyRules, int allowRules, Optional<String> shadowId) {

  /**
   * Reads a policy as a runtime would.
   *
   * @param document the policy, in any form that a policy file may have
   * @param roles the text of a roles file; empty if the policy names no role
   * @param namespace the Kubernetes namespace by which Istio's policies choose; empty if unknown
   * @param labels the labels, likewise
   * @throws IllegalArgumentException naming what is wrong and where
   */
  public static PolicySummary of(
      String document, String roles, String namespace, Map<String, String> labels) {
    try {
      PolicySet policies =
          PolicySet.read(
              document,
              roles.isEmpty() ? Roles.NONE : Roles.read(roles),
              namespace.isEmpty() ? null : new KubernetesWorkload(namespace, labels));
      AuthorizationPolicy enforced = policies.enforced();
      return new PolicySummary(
          enforced.id(),
          enforced.revision(),
          enforced.denyRules().size(),
          enforced.allowRules().size(),
          Optional.ofNullable(policies.shadow()).map(AuthorizationPolicy::id));
    } catch (InvalidPolicyException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
