package io.meshward.responder;

import io.meshward.schemas.Containment.Recovery;
import io.meshward.schemas.ContainmentState;
import java.time.Instant;

/** A stage from which the way back can be taken. */
sealed interface Releasable extends Live permits Executing, Verifying, Held {
  /** Begins to undo. */
  default Transition<Recovering> release(Release release, Instant at) {
    Recovery old = containment().recovery();
    Draft draft =
        draft(at)
            .to(ContainmentState.RECOVERING, release.reason())
            .by(release.actor())
            .skipPending("released")
            .recovery(
                new Recovery(old.plan(), old.healthySince(), release.actor(), release.reason()));
    if (release.statement() != null) {
      draft.approval(release.statement());
    }
    return draft.write(Recovering::new);
  }
}
