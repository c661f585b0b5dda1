package io.meshward.responder;

import static io.meshward.embedded.FaultInjection.on;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScaleActionTest {
  private static final String SCALE = "/deployments/frontend/scale";

  @TempDir private Path folder;
  private Cluster cluster;
  private Target target;

  @BeforeEach
  void deployTheFrontend() {
    cluster = new Cluster(folder);
    cluster.shop.deploy("frontend", 3);
    target = cluster.shop.target("frontend");
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void scalesWithOneRequestAndRemembersHowManyThereWere() {
    ObjectNode prior = prepared();

    Outcome outcome = acted(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas 3 → 0"));
    assertThat(prior.path("restore").asInt()).isEqualTo(3);
    assertThat(cluster.shop.replicas("frontend")).isZero();
    assertThat(writes()).isEqualTo(1);
  }

  @Test
  void verifiesOnlyWhenNoPodIsLeftNotEvenATerminatingOne() {
    Pod last = cluster.shop.pods("frontend").getFirst();
    cluster.shop.finalizers(last, "shop.test/drain");
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    Stand.eventually(
        "only the last pod is left, which is no replica any more",
        () ->
            cluster.shop.pods("frontend").size() == 1
                && cluster.shop.runningReplicas("frontend") == 0);

    Verification early = cluster.scale.verify(cluster.step(target, Duration.ofMillis(500)), prior);
    cluster.shop.finalizers(last);
    Verification late = cluster.scale.verify(cluster.step(target), prior);

    assertThat(early.passed()).isFalse();
    assertThat(early.detail())
        .startsWith("pods are left: " + last.getMetadata().getName() + " (terminating) on ");
    assertThat(late.passed()).isTrue();
    assertThat(late.level()).isEqualTo(Level.EFFECT);
    assertThat(cluster.shop.pods("frontend")).isEmpty();
  }

  @Test
  void readsBackAndTriesAgainWhenTheObjectWasChanged() {
    ObjectNode prior = prepared();
    cluster.kubernetes.faults().conflict(2, on("PATCH", SCALE));

    assertThat(acted(cluster.step(target), prior)).isEqualTo(new Outcome.Done("replicas 3 → 0"));
    assertThat(writes()).isEqualTo(1);
  }

  @Test
  void waitsWhileTheServerIsBusyOrBroken() {
    ObjectNode prior = prepared();
    cluster.kubernetes.faults().throttle(2, Duration.ZERO, on("PATCH", SCALE));
    cluster.kubernetes.faults().fail(2, on("PATCH", SCALE));

    assertThat(acted(cluster.step(target), prior)).isInstanceOf(Outcome.Done.class);
    assertThat(writes()).isEqualTo(1);
  }

  @Test
  void putsOffWhatTheServerDoesNotTakeWithinTheDeadline() {
    ObjectNode prior = prepared();
    cluster.kubernetes.faults().throttle(1000, Duration.ZERO, on("PATCH", SCALE));

    Outcome outcome = cluster.scale.act(cluster.step(target, Duration.ofMillis(300)), prior, false);

    assertThat(outcome).isInstanceOf(Outcome.Later.class);
    assertThat(writes()).isZero();
  }

  @Test
  void doesNotActTwiceWhenTheAnswerIsLost() {
    ObjectNode prior = prepared();
    cluster.kubernetes.faults().cutAfterCommit(1, on("PATCH", SCALE));

    Outcome outcome = acted(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas are 0, as read back"));
    assertThat(writes()).isEqualTo(1);
  }

  @Test
  void doesNotActTwiceWhenItIsResumed() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);

    Outcome outcome = cluster.scale.act(cluster.step(target), prior, true);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas are 0, as read back"));
    assertThat(writes()).isEqualTo(1);
  }

  @Test
  void stopsWhenTheWorkloadIsAnotherOneByNow() {
    ObjectNode prior = prepared();
    cluster.shop.remove("frontend");
    cluster.shop.deployAgain("frontend", 2);

    Outcome outcome = acted(cluster.step(target), prior);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Failed.class, failed -> assertThat(failed.reason()).startsWith("superseded"));
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(2);
    assertThat(writes()).isZero();
  }

  @Test
  void asksAgainWhenSomebodyScaledMeanwhile() {
    ObjectNode prior = prepared();
    cluster.shop.scale("frontend", 5);

    Outcome outcome = cluster.scale.act(cluster.step(target), prior, false);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Changed.class,
            changed -> assertThat(changed.prior().path("restore").asInt()).isEqualTo(5));
    assertThat(writes()).isZero();
  }

  @Test
  void restoresWhatTheFirstOfSeveralContainmentsRemembered() {
    ObjectNode first = prepared();
    acted(cluster.step(target), first);
    StepContext second =
        new StepContext(
            "other-containment",
            target,
            EventCodec.object().put("replicas", 0),
            Stand.PATIENCE,
            () -> true,
            first);

    ObjectNode prior = ((Preparation.Ready) cluster.scale.prepare(second)).prior();
    Outcome acted = cluster.scale.act(second, prior, false);
    Outcome undone = undone(second, prior);

    assertThat(acted).isEqualTo(new Outcome.Done("replicas are 0, as read back"));
    assertThat(undone).isEqualTo(new Outcome.Done("replicas 0 → 3"));
  }

  @Test
  void leavesAloneWhatSomebodyElseScaledSince() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    cluster.shop.scale("frontend", 1);

    Outcome outcome = undone(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas were set to 1 by somebody else"));
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(1);
  }

  @Test
  void undoesOnceWhenTheAnswerIsLost() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    cluster.kubernetes.faults().cutAfterCommit(1, on("PATCH", SCALE));

    Outcome outcome = undone(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas are 3"));
    assertThat(cluster.kubernetes.faults().pending()).isZero();
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(3);
    assertThat(writes()).isEqualTo(2);
  }

  @Test
  void undoesOnceWhenTheObjectWasChangedAndThenTheAnswerIsLost() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    cluster.kubernetes.faults().conflict(1, on("PATCH", SCALE));
    cluster.kubernetes.faults().cutAfterCommit(1, on("PATCH", SCALE));

    Outcome outcome = undone(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas are 3"));
    assertThat(writes()).isEqualTo(2);
  }

  @Test
  void writesNothingWithALockThatWasNotStored() {
    ObjectNode prior = prepared();
    cluster.shop.touch("frontend");

    Outcome outcome = cluster.scale.act(cluster.step(target), prior, false);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Changed.class,
            changed -> {
              assertThat(changed.prior().path("restore").asInt()).isEqualTo(3);
              assertThat(changed.prior().path("resource_version"))
                  .isNotEqualTo(prior.path("resource_version"));
            });
    assertThat(writes()).isZero();
  }

  @Test
  void anActThatComesAfterItsUndoingDoesNothing() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    assertThat(undone(cluster.step(target), prior)).isEqualTo(new Outcome.Done("replicas 0 → 3"));

    Outcome late = cluster.scale.act(cluster.step(target), prior, false);

    assertThat(late).isInstanceOf(Outcome.Changed.class);
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(3);
    assertThat(writes()).isEqualTo(2);
  }

  @Test
  void anUndoingThatComesAfterTheNextContainmentDoesNothing() {
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);
    ObjectNode stored = undoable(cluster.step(target), prior);
    assertThat(undone(cluster.step(target), stored)).isInstanceOf(Outcome.Done.class);
    Stand.eventually(
        "the next containment scales to zero",
        () ->
            cluster.scale.prepare(cluster.step(target)) instanceof Preparation.Ready ready
                && cluster.scale.act(cluster.step(target), ready.prior(), false)
                    instanceof Outcome.Done);

    Outcome late = cluster.scale.undo(cluster.step(target), stored);

    assertThat(late).isInstanceOf(Outcome.Changed.class);
    assertThat(cluster.shop.replicas("frontend")).isZero();
  }

  @ParameterizedTest
  @CsvSource({"5, 5", "2, 3"})
  void restoresWhatAnAutoscalerWantsAtLeast(int least, int restored) {
    cluster.shop.autoscaler("frontend", least);
    ObjectNode prior = prepared();
    acted(cluster.step(target), prior);

    Outcome outcome = undone(cluster.step(target), prior);

    assertThat(outcome).isEqualTo(new Outcome.Done("replicas 0 → " + restored));
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(restored);
  }

  @Test
  void leavesAtZeroWhatWasAtZeroWhateverAnAutoscalerWants() {
    cluster.shop.scale("frontend", 0);
    cluster.shop.autoscaler("frontend", 5);
    Stand.eventually("the informers see it", () -> prepared().path("observed").asInt() == 0);
    ObjectNode prior = prepared();

    Outcome acted = acted(cluster.step(target), prior);
    Outcome undone = undone(cluster.step(target), prior);

    assertThat(acted).isEqualTo(new Outcome.Done("replicas are 0, as read back"));
    assertThat(undone).isEqualTo(new Outcome.Done("replicas are 0"));
    assertThat(writes()).isZero();
  }

  @Test
  void aDryRunChangesNothingAndNeedsNoLock() {
    ObjectNode prior = prepared();
    cluster.shop.touch("frontend");

    Outcome outcome = cluster.scale.tryOut(cluster.step(target), prior);

    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    assertThat(cluster.shop.replicas("frontend")).isEqualTo(3);
    assertThat(writes()).isZero();
  }

  @Test
  void refusesWhatCannotBeScaled() {
    Target pod =
        new Target(
            Stand.CLUSTER,
            "shop",
            "p",
            "u",
            null,
            null,
            new OwnerRef("DaemonSet", "agent", "u1"),
            null);

    assertThat(cluster.scale.foresee(cluster.step(pod))).isEmpty();
    assertThat(cluster.scale.prepare(cluster.step(pod)))
        .isEqualTo(new Preparation.Impossible("a DaemonSet cannot be scaled"));
  }

  /** Acts, storing what is to be stored in between. */
  private Outcome acted(StepContext step, ObjectNode prior) {
    Outcome outcome = cluster.scale.act(step, prior, false);
    while (outcome instanceof Outcome.Changed(ObjectNode stored, String _)) {
      outcome = cluster.scale.act(step, stored, false);
    }
    return outcome;
  }

  /** Undoes, storing what is to be stored in between. */
  private Outcome undone(StepContext step, ObjectNode prior) {
    Outcome outcome = cluster.scale.undo(step, prior);
    while (outcome instanceof Outcome.Changed(ObjectNode stored, String _)) {
      outcome = cluster.scale.undo(step, stored);
    }
    return outcome;
  }

  /** What is stored before a containment is undone. */
  private ObjectNode undoable(StepContext step, ObjectNode prior) {
    return ((Outcome.Changed) cluster.scale.undo(step, prior)).prior();
  }

  private ObjectNode prepared() {
    Stand.eventually(
        "the informers see the workload",
        () -> cluster.scale.foresee(cluster.step(target)).isPresent());
    return cluster.scale.foresee(cluster.step(target)).orElseThrow().prior();
  }

  private int writes() {
    return Writes.to(cluster.kubernetes, "/scale").size();
  }
}
