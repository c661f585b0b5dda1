package io.meshward.responder;

import io.meshward.rules.CompiledCondition;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.ErrorPolicy;
import io.meshward.schemas.Plan;
import io.meshward.schemas.PlaybookRef;
import io.meshward.schemas.ResponseMode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What to do about which detections. Immutable.
 *
 * @param match which detections it answers
 * @param protect which targets it must not touch
 * @param approval what it acts on only when a person approves
 * @param mode the furthest it wants to go; absent if it leaves that to the configuration
 * @param cooldown for how long after a containment it does nothing to the same target
 * @param maxAge older detections are only planned for
 * @param budget how often it may act by itself
 * @param verifyWithin how long a step's effect may take to show
 * @param recovery how its containments end
 */
record Playbook(
    String name,
    String description,
    CompiledCondition match,
    Optional<CompiledCondition> protect,
    Optional<CompiledCondition> approval,
    @Nullable ResponseMode mode,
    Duration cooldown,
    Duration maxAge,
    Plan.@Nullable Budget budget,
    List<StepTemplate> steps,
    Duration verifyWithin,
    Plan.Recovery recovery) {
  private static final int VERSION_DIGITS = 12;

  Playbook {
    steps = List.copyOf(steps);
  }

  /**
   * A step.
   *
   * @param when the step is skipped unless this holds
   * @param timeout how long a try may take
   */
  record StepTemplate(
      ActionTemplate action,
      Optional<CompiledCondition> when,
      Duration timeout,
      ErrorPolicy onError) {
    String text() {
      return action.text() + "|" + canonical(when) + "|" + timeout + "|" + onError;
    }
  }

  /** Its name and the hash of all that counts. */
  PlaybookRef ref() {
    ContentHash hash =
        new ContentHash()
            .add(name)
            .add(match.condition().canonical())
            .add(canonical(protect))
            .add(canonical(approval))
            .add(String.valueOf(mode))
            .add(cooldown + "|" + maxAge + "|" + budget + "|" + verifyWithin + "|" + recovery);
    steps.forEach(step -> hash.add(step.text()));
    return new PlaybookRef(name, hash.hex(VERSION_DIGITS));
  }

  private static String canonical(Optional<CompiledCondition> condition) {
    return condition.map(compiled -> compiled.condition().canonical()).orElse("");
  }
}
