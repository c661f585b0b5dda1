package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What an action is told about the step it carries out.
 *
 * @param containment the containment's id
 * @param target whom it is about
 * @param parameters the action's parameters, resolved
 * @param timeout how long one try may take
 * @param allowed whether it may go on now: asked before every request
 * @param memory what another containment of the same target stored before it did the same; absent
 *     if none did
 */
record StepContext(
    String containment,
    Target target,
    ObjectNode parameters,
    Duration timeout,
    BooleanSupplier allowed,
    @Nullable ObjectNode memory) {

  /** Asks the API for as long as one try may take, and while it is allowed. */
  Retry retry() {
    return new Retry(timeout, allowed);
  }
}
