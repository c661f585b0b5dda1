package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import java.time.Instant;

/** A person has to say yes to this very plan. */
record AwaitingApproval(Containment containment) implements Waiting {
  public AwaitingApproval {
    Stage.require(containment, ContainmentState.AWAITING_APPROVAL);
  }

  /** A person approved; it acts. */
  Transition<Executing> approved(Release approval, Instant at) {
    return answered(approval, at)
        .to(ContainmentState.EXECUTING, approval.reason())
        .acted()
        .write(Executing::new);
  }

  /** A person refused. */
  Transition<Ended> vetoed(Release veto, Instant at) {
    return answered(veto, at).to(ContainmentState.REJECTED, veto.reason()).write(Ended::new);
  }

  /** Nobody answered in time. */
  Transition<Ended> expired(Instant at) {
    return draft(at).to(ContainmentState.EXPIRED, "no approval came in time").write(Ended::new);
  }

  private Draft answered(Release answer, Instant at) {
    Draft draft = draft(at).by(answer.actor());
    return answer.statement() == null ? draft : draft.approval(answer.statement());
  }
}
