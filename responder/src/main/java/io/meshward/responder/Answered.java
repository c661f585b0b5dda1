package io.meshward.responder;

import java.time.Instant;

/** A stage in which nothing more is done: what happens from here on begins a new containment. */
sealed interface Answered extends Stage permits Recovering, Ended {
  /** Another detection that deserves no other answer. */
  default Transition<Answered> joined(String detection, Instant time, String why, Instant at) {
    return draft(at)
        .detected(detection, time)
        .note(why)
        .write(after -> Stage.same(Answered.class, after));
  }
}
