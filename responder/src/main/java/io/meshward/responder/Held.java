package io.meshward.responder;

import io.meshward.schemas.Containment.Recovery;
import io.meshward.schemas.Containment.Verification;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Everything was done that could be: something stands that can be released. */
sealed interface Held extends Releasable permits Contained, Partial {
  /** The conditions of the automatic recovery hold since a moment, or no longer. */
  default Transition<Held> healthy(@Nullable Instant since, Instant at) {
    Recovery old = containment().recovery();
    return draft(at)
        .recovery(new Recovery(old.plan(), since, old.releasedBy(), old.reason()))
        .note(since == null ? "no longer healthy" : "healthy")
        .write(after -> Stage.same(Held.class, after));
  }

  /** More was seen of a step's effect. */
  default Transition<Held> seen(int step, Verification verification, Instant at) {
    return draft(at)
        .step(step, step(step).state(), StepFacts.seen(verification))
        .write(after -> Stage.same(Held.class, after));
  }
}
