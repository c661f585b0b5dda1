/**
 * From detections to containment: playbooks, plans, guarded, verified and reversible actions.
 *
 * <p>Starting points: {@link io.meshward.responder.Responder} (the process), {@link
 * io.meshward.responder.Stage} (the state machine of a containment), {@link
 * io.meshward.responder.ContainmentClient} (what people and the CLI use).
 */
@NullMarked
package io.meshward.responder;

import org.jspecify.annotations.NullMarked;
