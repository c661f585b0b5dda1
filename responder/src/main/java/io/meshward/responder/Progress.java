package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.responder.Stage.AwaitingApproval;
import io.meshward.responder.Stage.Ended;
import io.meshward.responder.Stage.Executing;
import io.meshward.responder.Stage.Held;
import io.meshward.responder.Stage.Live;
import io.meshward.responder.Stage.Planning;
import io.meshward.responder.Stage.Recovering;
import io.meshward.responder.Stage.Release;
import io.meshward.responder.Stage.Verifying;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Plan;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Takes each containment as far as it goes without waiting: the transitions that follow from where
 * it stands and from what came of its operations. Not thread-safe.
 */
final class Progress {
  /** How often further peers that report a hold are recorded. */
  private static final Duration PEER_UPDATES = Duration.ofSeconds(1);

  private final Casebook book;
  private final Dispatch dispatch;
  private final Gate gate;
  private final Surroundings surroundings;
  private final InstantSource clock;
  private final Duration giveUpAfter;

  /** What progress depends on beside the stages. Answers at once. */
  interface Surroundings {
    /** The action of a name that acts on the cluster. */
    ClusterAction action(String name);

    /** What peers reported about a containment's holds. */
    Peers.Report peers(String containment);

    /** Whether a hold was read from the topic and not released since. */
    boolean onTopic(QuarantineKey key);

    /** Whether the owner of a contained pod is at full strength without it. */
    boolean replaced(Containment containment);
  }

  Progress(
      Casebook book,
      Dispatch dispatch,
      Gate gate,
      Surroundings surroundings,
      InstantSource clock,
      Duration giveUpAfter) {
    this.book = book;
    this.dispatch = dispatch;
    this.gate = gate;
    this.surroundings = surroundings;
    this.clock = clock;
    this.giveUpAfter = giveUpAfter;
  }

  /** Writes a transition. */
  void record(Transition<?> transition, Batch batch) {
    book.put(transition.stage());
    batch.add(transition);
  }

  /** Adds a detection to a containment, and makes its holds stronger where that is needed. */
  void join(Live live, Work work, Batch batch) {
    Detection detection = work.detection();
    Instant misused = detection.svid() == null ? null : detection.svid().notBefore();
    Instant now = clock.instant();
    List<Step> steps = new ArrayList<>(live.containment().steps());
    List<Plan.Step> wanted = work.plan().steps();
    boolean acts = live.containment().containment().actedAt() != null;
    for (int i = 0; acts && i < steps.size() && i < wanted.size(); i++) {
      Step step = steps.get(i);
      if (step.action().equals(Holds.NAME) && Stage.mayHaveActed(step)) {
        Optional<ObjectNode> stronger =
            Holds.strengthened(step, wanted.get(i).parameters(), misused);
        if (stronger.isPresent()) {
          steps.set(i, withParameters(step, stronger.get()));
          batch.place(Holds.hold(live.containment(), steps.get(i), now));
        }
      }
    }
    record(
        live.joined(detection.detection().id(), detection.detection().time(), steps, now), batch);
  }

  private static Step withParameters(Step step, ObjectNode parameters) {
    return new Step(
        step.action(),
        parameters,
        step.onError(),
        step.timeoutMs(),
        step.state(),
        step.since(),
        step.diff(),
        step.prior(),
        step.verification(),
        step.error());
  }

  /** Takes every containment of a target as far as it goes. */
  void advanceTarget(String id, Batch batch) {
    for (Stage stage : book.sameTarget(id)) {
      advance(stage.id(), batch);
    }
  }

  /** Takes a containment as far as it goes. */
  void advance(String id, Batch batch) {
    boolean moved = true;
    while (moved) {
      Stage stage = book.get(id);
      moved =
          switch (stage) {
            case null -> false;
            case Planning _, Ended _ -> false;
            case AwaitingApproval awaiting -> expire(awaiting, batch);
            case Executing executing -> execute(executing, batch);
            case Verifying verifying -> verify(verifying, batch);
            case Held held -> watch(held, batch);
            case Recovering recovering -> recover(recovering, batch);
          };
    }
  }

  private boolean expire(AwaitingApproval awaiting, Batch batch) {
    Instant deadline = awaiting.containment().containment().approveBy();
    if (deadline == null || clock.instant().isBefore(deadline)) {
      return false;
    }
    record(awaiting.expired(clock.instant()), batch);
    return true;
  }

  private boolean execute(Executing executing, Batch batch) {
    Instant now = clock.instant();
    Containment containment = executing.containment();
    if (first(executing, step -> blocks(step)) >= 0) {
      return false;
    }
    int next = first(executing, step -> step.state() == StepState.PENDING);
    if (next < 0) {
      boolean nothing =
          containment.steps().stream()
              .noneMatch(step -> Stage.mayHaveActed(step) || step.state() == StepState.INTENDED);
      record(nothing ? executing.failed(why(containment), now) : executing.verifying(now), batch);
      return true;
    }
    if (!gate.mayAct(containment)) {
      return false;
    }
    Step step = executing.step(next);
    return switch (step.action()) {
      case Holds.NAME -> {
        Quarantine hold = Holds.hold(containment, step, now);
        batch.place(hold);
        Transition<Executing> intended =
            executing.intend(next, StepFacts.words("hold on " + hold.subject().value()), now);
        record(intended, batch);
        record(intended.stage().done(next, StepFacts.words("the hold is placed"), now), batch);
        yield true;
      }
      case ActionName.NOTIFY -> {
        record(executing.intend(next, StepFacts.none(), now), batch);
        yield true;
      }
      default -> intend(executing, next, batch);
    };
  }

  /** A step on the cluster: what its inverse needs is stored, once it is known and in turn. */
  private boolean intend(Executing executing, int next, Batch batch) {
    StepRef ref = new StepRef(executing.id(), next);
    if (dispatch.busy(ref)) {
      return false;
    }
    Optional<Preparation.Ready> ready =
        dispatch
            .takePrepared(ref)
            .or(
                () ->
                    surroundings
                        .action(executing.step(next).action())
                        .foresee(dispatch.context(executing, next)));
    if (ready.isEmpty()) {
      return false;
    }
    record(
        executing.intend(
            next, StepFacts.prior(ready.get().prior(), ready.get().diff()), clock.instant()),
        batch);
    dispatch.fresh(ref);
    return true;
  }

  private boolean verify(Verifying verifying, Batch batch) {
    Instant now = clock.instant();
    Containment containment = verifying.containment();
    for (int i = 0; i < containment.steps().size(); i++) {
      Step step = verifying.step(i);
      if (step.action().equals(Holds.NAME) && step.state() == StepState.DONE) {
        QuarantineKey key = Holds.key(verifying.id(), step);
        Optional<Verification> seen =
            Holds.verify(
                step,
                key,
                surroundings.peers(verifying.id()),
                surroundings.onTopic(key),
                Duration.ofMillis(containment.containment().verifyWithinMs()),
                now);
        if (seen.isPresent()) {
          record(verifying.verified(i, seen.get(), now), batch);
          return true;
        }
      }
    }
    boolean open =
        containment.steps().stream()
            .anyMatch(
                step ->
                    step.state() == StepState.INTENDED
                        || (step.state() == StepState.DONE
                            && ActionName.changesSomething(step.action())));
    if (open) {
      return false;
    }
    String lacking = why(containment);
    record(lacking.isEmpty() ? verifying.contained(now) : verifying.partial(lacking, now), batch);
    return true;
  }

  /** What was not done or not seen; empty if nothing. */
  private static String why(Containment containment) {
    List<String> lacking = new ArrayList<>();
    for (Step step : containment.steps()) {
      if (!ActionName.changesSomething(step.action())) {
        continue;
      }
      if (step.state() == StepState.FAILED) {
        lacking.add(step.action() + " failed: " + step.error());
      } else if (step.state() == StepState.UNVERIFIED && step.verification() != null) {
        lacking.add(step.action() + " not verified: " + step.verification().detail());
      }
    }
    return String.join("; ", lacking);
  }

  private boolean watch(Held held, Batch batch) {
    Instant now = clock.instant();
    Containment containment = held.containment();
    for (int i = 0; i < containment.steps().size(); i++) {
      Optional<Verification> more = morePeers(held, i, now);
      if (more.isPresent()) {
        record(held.seen(i, more.get(), now), batch);
        return true;
      }
    }
    Containment.Recovery recovery = containment.recovery();
    if (recovery.plan().mode() != Containment.RecoveryMode.AUTO || !gate.mayAct(containment)) {
      return false;
    }
    boolean healthy =
        (!recovery.plan().replacementReady() || surroundings.replaced(containment))
            && (!recovery.plan().holdsExpired() || expired(containment, now));
    if (healthy != (recovery.healthySince() != null)) {
      record(held.healthy(healthy ? now : null, now), batch);
      return true;
    }
    if (recovery.healthySince() == null) {
      return false;
    }
    Instant quietSince = max(recovery.healthySince(), lastDetection(held.id()));
    if (now.isBefore(quietSince.plusMillis(recovery.plan().quietForMs()))) {
      return false;
    }
    record(
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
    Peers.Report report = surroundings.peers(held.id());
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
    return book.sameTarget(id).stream()
        .map(stage -> stage.containment().containment().lastDetectionAt())
        .max(Instant::compareTo)
        .orElse(Instant.EPOCH);
  }

  private static Instant max(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }

  /** Holds first, so that what comes back can speak; then everything else, last done first. */
  private boolean recover(Recovering recovering, Batch batch) {
    Instant now = clock.instant();
    int hold = last(recovering, step -> step.action().equals(Holds.NAME));
    int next = hold >= 0 ? hold : last(recovering, step -> true);
    if (next < 0) {
      record(recovering.recovered(now), batch);
      return true;
    }
    Step step = recovering.step(next);
    StepRef ref = new StepRef(recovering.id(), next);
    if (step.action().equals(Holds.NAME)) {
      return release(recovering, next, batch);
    }
    if (step.state() == StepState.UNDOING || dispatch.busy(ref)) {
      return false;
    }
    Transition<Recovering> undoing = recovering.undoing(next, now);
    record(undoing, batch);
    Optional<String> holder = otherHolder(ref, step.action());
    if (holder.isPresent()) {
      record(
          undoing.stage().undone(next, "left as it is: " + holder.get() + " needs it too", now),
          batch);
    } else if (step.prior() == null) {
      record(undoing.stage().undone(next, "it never came so far", now), batch);
    }
    return true;
  }

  private boolean release(Recovering recovering, int next, Batch batch) {
    Instant now = clock.instant();
    Step step = recovering.step(next);
    QuarantineKey key = Holds.key(recovering.id(), step);
    if (step.state() != StepState.UNDOING) {
      batch.release(key);
      record(recovering.undoing(next, now), batch);
      return true;
    }
    Peers.Report report = surroundings.peers(recovering.id());
    boolean late = !now.isBefore(step.since().plus(Holds.PEER_GRACE));
    if (surroundings.onTopic(key) || (report.applied() > 0 && !late)) {
      return false;
    }
    record(
        recovering.undone(
            next,
            "the hold is released; "
                + report.released()
                + " of "
                + (report.released() + report.applied())
                + " peers serve again",
            now),
        batch);
    return true;
  }

  /** Another containment of the same target that still relies on the same action. */
  private Optional<String> otherHolder(StepRef ref, String action) {
    if (!action.equals(ScaleAction.NAME)) {
      return Optional.empty();
    }
    return book.sameTarget(ref.containment()).stream()
        .filter(stage -> !stage.id().equals(ref.containment()))
        .filter(stage -> stage instanceof Stage.Releasable)
        .filter(
            stage ->
                stage.containment().steps().stream()
                    .anyMatch(step -> step.action().equals(action) && Stage.mayHaveActed(step)))
        .map(Stage::id)
        .findFirst();
  }

  static boolean blocks(Step step) {
    return step.state() == StepState.INTENDED && ActionName.changesSomething(step.action());
  }

  static int first(Stage stage, Predicate<Step> wanted) {
    for (int i = 0; i < stage.containment().steps().size(); i++) {
      if (wanted.test(stage.step(i))) {
        return i;
      }
    }
    return -1;
  }

  private static int last(Stage stage, Predicate<Step> wanted) {
    for (int i = stage.containment().steps().size() - 1; i >= 0; i--) {
      if (Stage.mayHaveActed(stage.step(i)) && wanted.test(stage.step(i))) {
        return i;
      }
    }
    return -1;
  }

  /** What was read for a step. */
  void prepared(Stage stage, StepRef ref, Preparation preparation, Batch batch) {
    if (!(stage instanceof Executing executing)
        || stage.step(ref.index()).state() != StepState.PENDING) {
      return;
    }
    switch (preparation) {
      case Preparation.Ready ready -> {
        dispatch.prepared(ref, ready);
      }
      case Preparation.Impossible(String reason) ->
          record(executing.fail(ref.index(), reason, clock.instant()), batch);
      case Preparation.Later(String reason) -> {
        if (!dispatch.later(stage, ref)) {
          record(executing.fail(ref.index(), gaveUp(reason), clock.instant()), batch);
        }
      }
    }
  }

  /** What came of a try to do a step. */
  void acted(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    if (!(stage instanceof Executing executing)
        || stage.step(ref.index()).state() != StepState.INTENDED) {
      // Released meanwhile: undoing reads back what stands.
      return;
    }
    Instant now = clock.instant();
    switch (outcome) {
      case Outcome.Done(String words) ->
          record(executing.done(ref.index(), StepFacts.words(words), now), batch);
      case Outcome.Changed(ObjectNode prior, String diff) -> {
        record(executing.intend(ref.index(), StepFacts.prior(prior, diff), now), batch);
        dispatch.fresh(ref);
      }
      case Outcome.Failed(String reason) -> record(executing.fail(ref.index(), reason, now), batch);
      case Outcome.Later(String reason) -> {
        if (!dispatch.later(stage, ref)) {
          record(executing.fail(ref.index(), gaveUp(reason), now), batch);
        }
      }
    }
  }

  /** What came of a try to undo a step. */
  void undone(Stage stage, StepRef ref, Outcome outcome, Batch batch) {
    if (!(stage instanceof Recovering recovering)
        || stage.step(ref.index()).state() != StepState.UNDOING) {
      return;
    }
    Instant now = clock.instant();
    switch (outcome) {
      case Outcome.Done(String words) -> record(recovering.undone(ref.index(), words, now), batch);
      case Outcome.Changed(ObjectNode _, String diff) ->
          record(recovering.stuck(ref.index(), diff, now), batch);
      case Outcome.Failed(String reason) ->
          record(recovering.stuck(ref.index(), reason, now), batch);
      case Outcome.Later(String reason) -> {
        if (!dispatch.later(stage, ref)) {
          record(recovering.stuck(ref.index(), gaveUp(reason), now), batch);
        }
      }
    }
  }

  private String gaveUp(String reason) {
    return "gave up after " + giveUpAfter.toSeconds() + " s: " + reason;
  }
}
