package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.ContainmentState;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the steps would change is being read. */
record Planning(Containment containment) implements Waiting {
  public Planning {
    Stage.require(containment, ContainmentState.PLANNING);
  }

  /** The plan is recorded, and that is all. */
  Transition<Ended> planned(List<Step> steps, Instant at) {
    return draft(at).steps(steps).to(ContainmentState.PLANNED, reason()).write(Ended::new);
  }

  /** Every step was tried as a dry run, and that is all. */
  Transition<Ended> tried(List<Step> steps, Instant at) {
    return draft(at).steps(steps).to(ContainmentState.DRY_RUN, reason()).write(Ended::new);
  }

  /** The plan waits for a person. */
  Transition<AwaitingApproval> awaiting(List<Step> steps, Instant approveBy, Instant at) {
    return draft(at)
        .steps(steps)
        .approveBy(approveBy)
        .to(ContainmentState.AWAITING_APPROVAL, reason())
        .write(AwaitingApproval::new);
  }

  private @Nullable String reason() {
    return containment.containment().reason();
  }
}
