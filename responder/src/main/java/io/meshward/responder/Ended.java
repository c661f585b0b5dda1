package io.meshward.responder;

import io.meshward.schemas.Containment;

/** Nothing will happen any more. */
record Ended(Containment containment) implements Answered {
  public Ended {
    if (!containment.containment().state().terminal()) {
      throw Stage.illegal("be ended", containment.containment().state());
    }
  }
}
