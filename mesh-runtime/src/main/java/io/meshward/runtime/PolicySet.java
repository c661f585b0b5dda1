package io.meshward.runtime;

import org.jspecify.annotations.Nullable;

/**
 * All that authorization goes by, as one snapshot. Immutable.
 *
 * @param shadow the policy on trial, evaluated beside the enforced one
 */
record PolicySet(
    AuthorizationPolicy enforced, @Nullable AuthorizationPolicy shadow, ServiceTable services) {

  /** Whether any rule of either policy looks at {@code risk.score}. */
  boolean asksForRisk() {
    return enforced.asksForRisk() || (shadow != null && shadow.asksForRisk());
  }

  /** What holds without any policy. */
  static final PolicySet REFUSE_ALL =
      new PolicySet(AuthorizationPolicy.REFUSE_ALL, null, ServiceTable.EMPTY);
}
