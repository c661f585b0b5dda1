package io.meshward.schemas;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a playbook wants done about one detection, with every parameter resolved, so that carrying
 * it out needs the playbook no more. Times are in milliseconds.
 *
 * @param mode the furthest the playbook wants to go; absent if it leaves that to the configuration
 * @param steps in the order in which they are done
 * @param recovery how it ends
 * @param verifyWithinMs how long a step's effect may take to show
 * @param cooldownMs for how long after its end the same playbook does nothing to the same target
 * @param maxAgeMs an older detection is only planned for
 * @param budget how often this playbook may act by itself; absent if only the cluster's counts
 * @param protectedBy why the target must not be touched; absent if it may be
 * @param approval why a person has to be asked before anything is done; absent if the playbook does
 *     not say so
 */
public record Plan(
    @Nullable ResponseMode mode,
    List<Step> steps,
    Recovery recovery,
    long verifyWithinMs,
    long cooldownMs,
    long maxAgeMs,
    @Nullable Budget budget,
    @Nullable String protectedBy,
    @Nullable String approval) {
  /** The most steps a plan has. */
  public static final int MAX_STEPS = 20;

  public Plan {
    steps = List.copyOf(steps);
    if (steps.isEmpty() || steps.size() > MAX_STEPS) {
      throw new IllegalArgumentException(
          "plan.steps has " + steps.size() + " items: expected 1 to " + MAX_STEPS);
    }
    Require.notNegative(verifyWithinMs, "plan.verify_within_ms");
    Require.notNegative(cooldownMs, "plan.cooldown_ms");
    Require.notNegative(maxAgeMs, "plan.max_age_ms");
  }

  /**
   * One step.
   *
   * @param action the action's name, such as {@code workload.scale}
   * @param skipped why it is not to be done; absent if it is
   */
  public record Step(
      String action,
      ObjectNode parameters,
      ErrorPolicy onError,
      long timeoutMs,
      @Nullable String skipped) {
    public Step {
      Require.text(action, "plan.steps.action");
      Require.notNegative(timeoutMs, "plan.steps.timeout_ms");
    }
  }

  /**
   * The way back.
   *
   * @param replacementReady an automatic recovery waits until the owner is at full strength again
   * @param holdsExpired an automatic recovery waits until every hold has ended by itself
   * @param quietForMs an automatic recovery waits until nothing was detected for so long
   * @param relapseWithinMs for how long after a recovery a new containment of the same target is a
   *     relapse, which does not recover by itself
   */
  public record Recovery(
      Containment.RecoveryMode mode,
      boolean replacementReady,
      boolean holdsExpired,
      long quietForMs,
      long relapseWithinMs) {
    public Recovery {
      Require.notNegative(quietForMs, "plan.recovery.quiet_for_ms");
      Require.notNegative(relapseWithinMs, "plan.recovery.relapse_within_ms");
    }

    /** A recovery that waits for a person's word. */
    public static Recovery manual() {
      return new Recovery(Containment.RecoveryMode.MANUAL, false, false, 0, 0);
    }
  }

  /** So many containments within so many milliseconds. */
  public record Budget(int containments, long windowMs) {
    public Budget {
      Require.notNegative(containments, "plan.budget.containments");
      Require.notNegative(windowMs, "plan.budget.window_ms");
    }

    /** Where the window that ends now begins. */
    public Instant windowStart(Instant now) {
      return now.minusMillis(windowMs);
    }
  }
}
