package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;

/** Done in part, or not wholly verified. */
record Partial(Containment containment) implements Held {
  public Partial {
    Stage.require(containment, ContainmentState.PARTIAL);
  }
}
