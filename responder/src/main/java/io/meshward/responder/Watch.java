package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Watches over what is contained: takes in what further peers report, and begins the way back when
 * the conditions of an automatic recovery have held for long enough. Not thread-safe.
 */
final class Watch {
  /** How often further peers that report a hold are recorded. */
  private static final Duration PEER_UPDATES = Duration.ofSeconds(1);

  private final ProgressContext context;

  Watch(ProgressContext context) {
    this.context = context;
  }

  /** Looks once. */
  boolean watch(Held held, Batch batch) {
    Instant now = context.now();
    Containment containment = held.containment();
    for (int i = 0; i < containment.steps().size(); i++) {
      Optional<Verification> more = morePeers(held, i, now);
      if (more.isPresent()) {
        context.record(held.seen(i, more.get(), now), batch);
        return true;
      }
    }
    Containment.Recovery recovery = containment.recovery();
    if (recovery.plan().mode() != Containment.RecoveryMode.AUTO
        || !context.gate().mayAct(containment)) {
      return false;
    }
    boolean healthy =
        (!recovery.plan().replacementReady() || context.surroundings().replaced(containment))
            && (!recovery.plan().holdsExpired() || expired(containment, now));
    if (healthy != (recovery.healthySince() != null)) {
      context.record(held.healthy(healthy ? now : null, now), batch);
      return true;
    }
    if (recovery.healthySince() == null) {
      return false;
    }
    Instant quietSince = max(recovery.healthySince(), lastDetection(held.id()));
    if (now.isBefore(quietSince.plusMillis(recovery.plan().quietForMs()))) {
      return false;
    }
    context.record(
        held.release(
            new Release(Draft.RESPONDER, "recovered by itself: " + healthy(recovery), null), now),
        batch);
    return true;
  }

  private static String healthy(Containment.Recovery recovery) {
    List<String> reasons = new ArrayList<>();
    if (recovery.plan().replacementReady()) {
      reasons.add("the replacement is ready");
    }
    if (recovery.plan().holdsExpired()) {
      reasons.add("every hold has ended");
    }
    if (recovery.plan().quietForMs() > 0) {
      reasons.add("nothing was detected for " + recovery.plan().quietForMs() / 1000 + " s");
    }
    return String.join(", ", reasons);
  }

  private Optional<Verification> morePeers(Held held, int index, Instant now) {
    Step step = held.step(index);
    Verification last = step.verification();
    if (!step.action().equals(Holds.NAME)
        || last == null
        || !Stage.mayHaveActed(step)
        || now.isBefore(last.at().plus(PEER_UPDATES))) {
      return Optional.empty();
    }
    Peers.Report report = context.surroundings().peers(held.id());
    int before = last.facts() == null ? 0 : last.facts().path("peers").asInt();
    return report.applied() <= before
        ? Optional.empty()
        : Holds.verify(step, Holds.key(held.id(), step), report, true, Duration.ZERO, now);
  }

  private static boolean expired(Containment containment, Instant now) {
    return containment.steps().stream()
        .filter(step -> step.action().equals(Holds.NAME) && Stage.mayHaveActed(step))
        .allMatch(
            step -> {
              Instant end = Holds.expiresAt(step, step.since());
              return end != null && !now.isBefore(end);
            });
  }

  private Instant lastDetection(String id) {
    return context.book().sameTarget(id).stream()
        .map(stage -> stage.containment().containment().lastDetectionAt())
        .max(Instant::compareTo)
        .orElse(Instant.EPOCH);
  }

  private static Instant max(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }
}
