package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment.Verification;
import org.jspecify.annotations.Nullable;

/**
 * What a transition adds to a step; what is absent stays as it was, except for the error.
 *
 * @param parameters the step's new parameters
 * @param diff what it changes, for people
 * @param prior what its inverse needs
 * @param verification what was seen of its effect
 * @param words what happened, for the audit
 * @param error what went wrong, or why it was skipped
 */
record StepFacts(
    @Nullable ObjectNode parameters,
    @Nullable String diff,
    @Nullable ObjectNode prior,
    @Nullable Verification verification,
    @Nullable String words,
    @Nullable String error) {

  static StepFacts none() {
    return new StepFacts(null, null, null, null, null, null);
  }

  static StepFacts words(@Nullable String words) {
    return new StepFacts(null, null, null, null, words, null);
  }

  static StepFacts diff(String diff) {
    return new StepFacts(null, diff, null, null, diff, null);
  }

  static StepFacts prior(ObjectNode prior, String diff) {
    return new StepFacts(null, diff, prior, null, diff, null);
  }

  static StepFacts seen(Verification verification) {
    return new StepFacts(null, null, null, verification, verification.detail(), null);
  }

  static StepFacts error(String error) {
    return new StepFacts(null, null, null, null, error, error);
  }

  static StepFacts parameters(ObjectNode parameters, String words) {
    return new StepFacts(parameters, null, null, null, words, null);
  }
}
