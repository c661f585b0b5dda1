package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;

/** Done and verified. */
record Contained(Containment containment) implements Held {
  public Contained {
    Stage.require(containment, ContainmentState.CONTAINED);
  }
}
