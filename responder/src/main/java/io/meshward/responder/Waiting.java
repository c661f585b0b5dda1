package io.meshward.responder;

import io.meshward.schemas.ContainmentState;
import java.time.Instant;

/** Nothing was done yet, and nothing is without a person's word. */
sealed interface Waiting extends Live permits Planning, AwaitingApproval {
  /** A detection came about which nobody has to be asked: another containment answers it. */
  default Transition<Ended> overtaken(String other, Instant at) {
    return draft(at)
        .to(ContainmentState.SUPPRESSED, other + " acts, about which nobody has to be asked")
        .write(Ended::new);
  }
}
