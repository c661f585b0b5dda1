package io.meshward.chaos;

import io.meshward.schemas.ContainmentState;
import java.util.List;

/**
 * What happens in one workload's only pod, and so on one partition, one alert after the other.
 *
 * @param alerts in their order; some are posted again, as a sensor does that heard no answer
 * @param detections how many detections they have to cause
 * @param release whether a person releases the containment
 */
record Story(
    Kind kind, String workload, String pod, List<Alert> alerts, int detections, boolean release) {
  /** Which of the shipped playbooks answers. */
  enum Kind {
    /** SVIDs are requested: the identity is quarantined, the workload scaled to nothing. */
    BURST("SVID request burst"),
    /** A socket is touched: the pod is isolated, replaced, and recovers by itself. */
    ACCESS("Illegal Workload API socket access");

    private final String rule;

    Kind(String rule) {
      this.rule = rule;
    }

    /** The rule that detects it. */
    String rule() {
      return rule;
    }
  }

  /** The state in which its containment ends. */
  ContainmentState end() {
    return switch (kind) {
      case BURST -> release ? ContainmentState.RECOVERED : ContainmentState.CONTAINED;
      case ACCESS -> ContainmentState.RECOVERED;
    };
  }
}
