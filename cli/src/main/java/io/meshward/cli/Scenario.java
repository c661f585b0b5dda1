package io.meshward.cli;

import io.meshward.schemas.Containment;
import io.meshward.schemas.Detection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An attack and what has to come of it. */
sealed interface Scenario permits AbusedFrontend, PoisonedAuthProxy, StolenOrders {
  /** Its title, in a few words. */
  String title();

  /**
   * Plays it from outside and waits for what has to come of it.
   *
   * @throws ScenarioFailedException saying what was otherwise
   */
  Result play(Stage stage) throws Exception;

  /**
   * What came of it, as the records say.
   *
   * @param events how many events the detection rests on
   * @param actions what was done, in order
   * @param verifications what was seen of each action's effect, and how directly
   * @param outage while whose calls had to be refused, if any had
   */
  record Result(
      String title,
      int events,
      Detection detection,
      Containment containment,
      List<String> actions,
      List<String> verifications,
      Latencies latencies,
      Optional<CallLog.Outage> outage) {
    public Result {
      actions = List.copyOf(actions);
      verifications = List.copyOf(verifications);
    }
  }

  /**
   * Milliseconds from the triggering event.
   *
   * @param toQuarantined until the last peer had applied the quarantine, if there is one
   * @param toWritten until the Kubernetes API had taken the first write, if there is one
   * @param toVerified until every action was verified
   */
  record Latencies(
      long toDetected, @Nullable Long toQuarantined, @Nullable Long toWritten, long toVerified) {}
}
