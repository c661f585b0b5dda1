package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Subject;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out operations, each on a virtual thread of its own, and hands back its result whatever
 * happens. Thread-safe.
 */
final class Operator {
  private static final Logger log = LoggerFactory.getLogger(Operator.class);

  private final Function<String, ClusterAction> actions;
  private final Function<Subject, FanOut> fanOuts;
  private final Notifier notifier;
  private final InstantSource clock;
  private final Checkpoint checkpoint;

  /**
   * An operator.
   *
   * @param actions the actions on the cluster by name
   * @param fanOuts which workloads a quarantine concerns
   */
  Operator(
      Function<String, ClusterAction> actions,
      Function<Subject, FanOut> fanOuts,
      Notifier notifier,
      InstantSource clock,
      Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.actions = actions;
    this.fanOuts = fanOuts;
    this.notifier = notifier;
    this.clock = clock;
  }

  /** Starts an operation. */
  void start(Operation operation, Consumer<Operation.Result> done) {
    var _ =
        Thread.ofVirtual()
            .name("operation-" + operation.ref())
            .start(() -> perform(operation, done));
  }

  private void perform(Operation operation, Consumer<Operation.Result> done) {
    try {
      String name = operation.getClass().getSimpleName() + " " + operation.ref().index();
      checkpoint.pass("operating: " + name);
      Operation.Result result = run(operation);
      checkpoint.pass("operated: " + name);
      done.accept(result);
    } catch (Checkpoint.Killed e) {
      log.atInfo().addKeyValue("place", e.getMessage()).log("killed");
    }
  }

  private Operation.Result run(Operation operation) {
    try {
      return switch (operation) {
        case Operation.Prepare prepare ->
            new Operation.Result.Prepared(
                prepare, actions.apply(prepare.action()).prepare(prepare.context()));
        case Operation.Act act ->
            new Operation.Result.Tried(
                act, actions.apply(act.action()).act(act.context(), act.prior(), act.resumed()));
        case Operation.Verify verify ->
            new Operation.Result.Seen(
                verify, actions.apply(verify.action()).verify(verify.context(), verify.prior()));
        case Operation.Undo undo ->
            new Operation.Result.Tried(
                undo, actions.apply(undo.action()).undo(undo.context(), undo.prior()));
        case Operation.Tell tell ->
            new Operation.Result.Tried(tell, notifier.tell(tell.containment(), tell.ref().index()));
        case Operation.LayOpen lay -> new Operation.Result.LaidOpen(lay, layOpen(lay));
      };
    } catch (RuntimeException e) {
      log.atError()
          .addKeyValue("containment", operation.ref().containment())
          .addKeyValue("step", operation.ref().index())
          .setCause(e)
          .log("an operation broke");
      return broken(operation, e);
    }
  }

  private Operation.Result broken(Operation operation, RuntimeException cause) {
    return switch (operation) {
      case Operation.Prepare prepare ->
          new Operation.Result.Prepared(prepare, new Preparation.Impossible(cause.toString()));
      case Operation.Verify verify ->
          new Operation.Result.Seen(
              verify,
              new Containment.Verification(
                  Containment.Level.NONE, false, cause.toString(), clock.instant(), null));
      case Operation.LayOpen lay -> new Operation.Result.LaidOpen(lay, lay.containment().steps());
      case Operation.Act _, Operation.Undo _, Operation.Tell _ ->
          new Operation.Result.Tried(operation, new Outcome.Failed(cause.toString()));
    };
  }

  /** Every step with what it would change, and whether the server would let it. */
  private List<Step> layOpen(Operation.LayOpen lay) {
    List<Step> steps = new ArrayList<>();
    for (Step step : lay.containment().steps()) {
      steps.add(step.state() == StepState.PENDING ? layOpen(lay, step) : step);
    }
    return steps;
  }

  private Step layOpen(Operation.LayOpen lay, Step step) {
    if (!ActionName.needsWorkload(step.action())) {
      return with(
          step,
          step.action().equals(Holds.NAME)
              ? Holds.diff(Holds.subject(step), fanOuts.apply(Holds.subject(step)))
              : "a notification",
          null);
    }
    StepContext context =
        new StepContext(
            lay.ref().containment(),
            lay.containment().target(),
            step.parameters(),
            Duration.ofMillis(step.timeoutMs()),
            () -> true,
            null);
    ClusterAction action = actions.apply(step.action());
    return switch (action.prepare(context)) {
      case Preparation.Impossible(String reason) -> with(step, "impossible", reason);
      case Preparation.Later(String reason) -> with(step, "not known", reason);
      case Preparation.Ready(ObjectNode prior, String diff) ->
          lay.dryRun() ? tried(step, diff, action.tryOut(context, prior)) : with(step, diff, null);
    };
  }

  private static Step tried(Step step, String diff, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Done(String words) -> with(step, diff + " (" + words + ")", null);
      case Outcome.Failed(String reason) -> with(step, diff, reason);
      case Outcome.Later(String reason) -> with(step, diff, reason);
      case Outcome.Changed(ObjectNode _, String changed) -> with(step, changed, null);
    };
  }

  private static Step with(
      Step step, String diff, @org.jspecify.annotations.Nullable String error) {
    return new Step(
        step.action(),
        step.parameters(),
        step.onError(),
        step.timeoutMs(),
        step.state(),
        step.since(),
        diff,
        step.prior(),
        step.verification(),
        error);
  }
}
