package io.meshward.responder;

import io.meshward.schemas.Containment.Step;
import java.time.Instant;
import java.util.List;

/** A stage in which further detections join and in which a person may refuse or release. */
sealed interface Live extends Stage permits Waiting, Releasable {
  /** Another detection that this containment answers. */
  default Transition<Live> joined(String detection, Instant time, List<Step> steps, Instant at) {
    return draft(at)
        .steps(steps)
        .detected(detection, time)
        .note("joined by detection " + detection)
        .write(after -> Stage.same(Live.class, after));
  }

  /** A person's statement that did not count, and why. */
  default Transition<Live> refused(String actor, String why, Instant at) {
    return draft(at).by(actor).note(why).write(after -> Stage.same(Live.class, after));
  }
}
