package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.StepState;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Ends the verification of what was done, once all of it was looked at. Not thread-safe. */
final class Verifier {
  private final ProgressContext context;

  Verifier(ProgressContext context) {
    this.context = context;
  }

  /** Takes in what is seen of holds, and ends it when nothing is open. */
  boolean verify(Verifying verifying, Batch batch) {
    Instant now = context.now();
    Containment containment = verifying.containment();
    for (int i = 0; i < containment.steps().size(); i++) {
      Step step = verifying.step(i);
      if (step.action().equals(Holds.NAME) && step.state() == StepState.DONE) {
        QuarantineKey key = Holds.key(verifying.id(), step);
        Optional<Verification> seen =
            Holds.verify(
                step,
                key,
                context.surroundings().peers(verifying.id()),
                context.surroundings().onTopic(key),
                Duration.ofMillis(containment.containment().verifyWithinMs()),
                now);
        if (seen.isPresent()) {
          context.record(verifying.verified(i, seen.get(), now), batch);
          return true;
        }
      }
    }
    boolean open =
        containment.steps().stream()
            .anyMatch(
                step ->
                    step.state() == StepState.INTENDED
                        || (step.state() == StepState.DONE
                            && ActionName.changesSomething(step.action())));
    if (open) {
      return false;
    }
    String lacking = Lacking.of(containment);
    context.record(
        lacking.isEmpty() ? verifying.contained(now) : verifying.partial(lacking, now), batch);
    return true;
  }
}
