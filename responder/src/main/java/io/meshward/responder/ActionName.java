package io.meshward.responder;

import java.util.Set;

/** The names of the actions, and what is special about each. */
final class ActionName {
  static final String NOTIFY = "notify";

  /** All that there are. */
  static final Set<String> ALL = Set.of(Holds.NAME, ScaleAction.NAME, IsolateAction.NAME, NOTIFY);

  private ActionName() {}

  /** Whether it acts on the cluster, so that its target must be one workload or pod. */
  static boolean needsWorkload(String action) {
    return action.equals(ScaleAction.NAME) || action.equals(IsolateAction.NAME);
  }

  /** Whether it acts on one pod, rather than on all that share its owner. */
  static boolean needsPod(String action) {
    return action.equals(IsolateAction.NAME);
  }

  /** Whether it changes something that can be verified and undone. */
  static boolean changesSomething(String action) {
    return !action.equals(NOTIFY);
  }
}
