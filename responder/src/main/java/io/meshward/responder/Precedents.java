package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Target;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What earlier containments of the same target, by the same playbook, mean for a detection.
 *
 * @param siblings all containments of the target, of other playbooks too, in the order in which
 *     they began
 */
record Precedents(List<Stage> siblings, Work work, Instant now) {
  /** For how long an ended containment that changed nothing takes in further detections. */
  private static final Duration FOLD = Duration.ofMinutes(1);

  Precedents {
    siblings = siblings.stream().filter(stage -> samePlaybook(stage, work)).toList();
  }

  /** What becomes of the detection. */
  sealed interface Meaning {
    /** It was taken in before. */
    record Known() implements Meaning {}

    /** A containment that lives answers it too. */
    record Joins(Live live) implements Meaning {}

    /** What was done already answered it. */
    record AnsweredBy(Answered answered) implements Meaning {}

    /**
     * A containment begins.
     *
     * @param relapse of which recovery it is a relapse, if of any
     */
    record Begins(Optional<String> relapse) implements Meaning {}
  }

  Meaning meaning() {
    String detection = work.detection().detection().id();
    String id = work.work().containment();
    for (Stage sibling : siblings) {
      if (sibling.id().equals(id) || sibling.containment().detections().contains(detection)) {
        return new Meaning.Known();
      }
    }
    for (Stage sibling : siblings) {
      if (sibling instanceof Live live && covers(sibling)) {
        return new Meaning.Joins(live);
      }
    }
    for (Stage sibling : siblings.reversed()) {
      if (sibling instanceof Answered answered && covers(sibling) && answers(answered)) {
        return new Meaning.AnsweredBy(answered);
      }
    }
    return new Meaning.Begins(relapse());
  }

  private static boolean samePlaybook(Stage stage, Work work) {
    return stage.containment().playbook().name().equals(work.playbook().name());
  }

  /** Whether what a containment does also answers a detection about, perhaps, another pod. */
  private boolean covers(Stage stage) {
    boolean perPod =
        stage.containment().steps().stream().anyMatch(step -> ActionName.needsPod(step.action()));
    return !perPod || samePod(stage.containment().target(), work.target());
  }

  /** By uid, where both are known: a name may be used again. */
  private static boolean samePod(Target one, Target other) {
    if (one.podUid() != null && other.podUid() != null) {
      return one.podUid().equals(other.podUid());
    }
    return Objects.equals(one.namespace(), other.namespace())
        && Objects.equals(one.pod(), other.pod());
  }

  /**
   * Whether what was done also answered the detection. Detections arrive late: what happened before
   * the way back was taken is not a reason to begin again.
   */
  private boolean answers(Answered answered) {
    Instant time = work.detection().detection().time();
    return switch (answered) {
      case Recovering recovering -> time.isBefore(recovering.since());
      case Ended end -> {
        Containment containment = end.containment();
        Instant ended = containment.containment().endedAt();
        if (ended == null) {
          yield false;
        }
        Duration cooldown = Duration.ofMillis(containment.containment().cooldownMs());
        boolean acted = end.state() == ContainmentState.RECOVERED;
        boolean contained = acted && time.isBefore(ended);
        boolean repeated = !acted && now.isBefore(ended.plus(FOLD));
        yield contained || repeated || now.isBefore(ended.plus(cooldown));
      }
    };
  }

  /**
   * Which recovery came too early, as the attack goes on: perhaps in another pod of the same owner,
   * so that the pod does not count.
   */
  Optional<String> relapse() {
    Duration within = Duration.ofMillis(work.plan().recovery().relapseWithinMs());
    return siblings.reversed().stream()
        .filter(
            sibling ->
                switch (sibling) {
                  case Recovering _ -> !within.isZero();
                  case Ended ended -> {
                    Instant at = ended.containment().containment().endedAt();
                    yield ended.state() == ContainmentState.RECOVERED
                        && at != null
                        && now.isBefore(at.plus(within));
                  }
                  case Live _ -> false;
                })
        .map(sibling -> "a relapse after " + sibling.id() + ": it does not recover by itself")
        .findFirst();
  }
}
