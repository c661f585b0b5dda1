package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Response;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a round of inputs changed: written in one Kafka transaction, together with the offsets of
 * those inputs. Not thread-safe.
 */
final class Batch {
  private final List<Response> responses = new ArrayList<>();
  private final Map<String, Optional<Containment>> containments = new LinkedHashMap<>();
  private final Map<QuarantineKey, Optional<Quarantine>> holds = new LinkedHashMap<>();

  /** A transition happened. */
  void add(Transition<?> transition) {
    responses.add(transition.response());
    containments.put(transition.stage().id(), Optional.of(transition.stage().containment()));
  }

  /** An ended containment is forgotten. */
  void forget(String containment) {
    containments.put(containment, Optional.empty());
  }

  /** A hold is placed, or replaced. */
  void place(Quarantine hold) {
    holds.put(hold.key(), Optional.of(hold));
  }

  /** A hold is released. */
  void release(QuarantineKey key) {
    holds.put(key, Optional.empty());
  }

  boolean isEmpty() {
    return responses.isEmpty() && containments.isEmpty() && holds.isEmpty();
  }

  /** Every transition, in order. */
  List<Response> responses() {
    return responses;
  }

  /** The last state of every containment that changed; absent if it is forgotten. */
  Map<String, Optional<Containment>> containments() {
    return containments;
  }

  /** Holds placed, or absent where released. */
  Map<QuarantineKey, Optional<Quarantine>> holds() {
    return holds;
  }
}
