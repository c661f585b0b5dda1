package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Response;
import io.meshward.schemas.StepState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What a scenario acts on and looks at: the shop, its cluster, the pipeline's records. */
record Stage(
    KubernetesPart kubernetes,
    WorkloadApiPart workloadApi,
    ShopSupervisor shop,
    CallLog calls,
    PipelineRecords records,
    FalcoSensor sensor,
    Operator operator,
    Timeline timeline) {
  /** How long any one thing may take, on a busy machine. */
  static final Duration PATIENCE = Duration.ofMinutes(2);

  KubernetesClient client() {
    return kubernetes.client();
  }

  String namespace() {
    return kubernetes.namespace();
  }

  /** The pods that have the label of a service. */
  List<Pod> pods(String service) {
    return client()
        .pods()
        .inNamespace(namespace())
        .withLabel(ShopManifests.APP, service)
        .list()
        .getItems();
  }

  /** The first detection of a rule since an instant. */
  Detection awaitDetection(String rule, Instant since)
      throws InterruptedException, TimeoutException {
    return records
        .await(
            Detection.class,
            "a detection of '" + rule + "'",
            PATIENCE,
            detection ->
                detection.detection().rule().equals(rule)
                    && !detection.detection().detectedAt().isBefore(since))
        .event();
  }

  /** The containment that answers a detection, in one of some states. */
  Containment awaitContainment(Detection detection, ContainmentState... states)
      throws InterruptedException, TimeoutException {
    Set<ContainmentState> wanted = Set.of(states);
    return awaitContainment(
        "the containment of '" + detection.detection().rule() + "' " + wanted,
        containment ->
            containment.detections().contains(detection.detection().id())
                && wanted.contains(containment.containment().state()));
  }

  private Containment awaitContainment(String what, Predicate<Containment> fits)
      throws InterruptedException, TimeoutException {
    return records.await(Containment.class, what, PATIENCE, fits).event();
  }

  /** The peers that run now and are not of a service: who has to apply a quarantine of it. */
  Set<String> peersOf(String service) {
    return shop.running().stream()
        .filter(process -> !process.service().equals(service))
        .map(ShopSupervisor.RunningProcess::pod)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** When the last of some peers had applied, or released, what a containment placed. */
  Instant awaitEnforcement(String containment, Enforcement.Outcome outcome, Set<String> peers)
      throws InterruptedException, TimeoutException {
    Instant last = Instant.MIN;
    for (String peer : peers) {
      Instant at =
          records
              .await(
                  Enforcement.class,
                  "pod " + peer + ": " + outcome + " of containment " + containment,
                  PATIENCE,
                  enforcement ->
                      enforcement.enforcement().containment().equals(containment)
                          && enforcement.enforcement().outcome() == outcome
                          && peer.equals(enforcement.local().pod()))
              .event()
              .enforcement()
              .at();
      last = at.isAfter(last) ? at : last;
    }
    return last;
  }

  /** When a step of a containment first was in a state. */
  Optional<Instant> stepAt(String containment, String action, StepState state) {
    return records
        .first(
            Response.class,
            response ->
                response.response().containment().equals(containment)
                    && response.step() != null
                    && response.step().action().equals(action)
                    && response.step().state() == state)
        .map(observed -> observed.event().response().at());
  }

  /** When a containment first was in a state. */
  Instant stateAt(String containment, ContainmentState state)
      throws InterruptedException, TimeoutException {
    return records
        .await(
            Response.class,
            "containment " + containment + " " + state,
            PATIENCE,
            response ->
                response.response().containment().equals(containment)
                    && response.response().to() == state)
        .event()
        .response()
        .at();
  }

  /** The containment that answers a detection, once its actions are verified. */
  Containment awaitContained(Detection detection)
      throws InterruptedException, TimeoutException, ScenarioFailedException {
    Containment containment =
        awaitContainment(
            detection,
            ContainmentState.CONTAINED,
            ContainmentState.PARTIAL,
            ContainmentState.FAILED,
            ContainmentState.UNRESOLVED,
            ContainmentState.SUPPRESSED,
            ContainmentState.AWAITING_APPROVAL);
    require(
        containment.containment().state() == ContainmentState.CONTAINED,
        () ->
            "the containment is "
                + containment.containment().state()
                + " ("
                + containment.containment().reason()
                + ")");
    return containment;
  }

  /**
   * What the records say of a containment, in milliseconds since the event that triggered it.
   *
   * @param quarantinedAt when the last peer had applied the quarantine, if there is one
   * @param written the action whose write to the Kubernetes API counts, if there is one
   */
  Scenario.Result result(
      String title,
      Detection detection,
      Containment contained,
      Optional<Instant> quarantinedAt,
      Optional<String> written,
      Optional<CallLog.Outage> outage)
      throws InterruptedException, TimeoutException {
    String id = contained.containment().id();
    Instant trigger = detection.detection().time();
    return new Scenario.Result(
        title,
        detection.evidence().size(),
        detection,
        contained,
        contained.steps().stream().map(Containment.Step::action).toList(),
        lastContained(contained).steps().stream().map(Stage::verification).toList(),
        new Scenario.Latencies(
            millis(trigger, detection.detection().detectedAt()),
            quarantinedAt.map(at -> millis(trigger, at)).orElse(null),
            written
                .flatMap(action -> stepAt(id, action, StepState.DONE))
                .map(at -> millis(trigger, at))
                .orElse(null),
            millis(trigger, stateAt(id, ContainmentState.CONTAINED))),
        outage);
  }

  /** As it was last seen before anything was undone: peers go on to tell what they refuse. */
  private Containment lastContained(Containment contained) {
    return records
        .all(
            Containment.class,
            containment ->
                containment.containment().id().equals(contained.containment().id())
                    && containment.containment().state() == ContainmentState.CONTAINED)
        .getLast()
        .event();
  }

  private static String verification(Containment.Step step) {
    Containment.Verification verification = step.verification();
    return verification == null
        ? step.action() + ": none"
        : step.action()
            + ": "
            + verification.level().name().toLowerCase(Locale.ROOT)
            + ", "
            + verification.detail();
  }

  private static long millis(Instant from, Instant to) {
    return Duration.between(from, to).toMillis();
  }

  /** Waits until a service's calls to another succeed again. */
  void awaitCalls(String caller, String callee, Instant after)
      throws InterruptedException, ScenarioFailedException {
    await(
        caller + " calls " + callee + " with success",
        () -> calls.hasSuccessAfter(caller, callee, after));
  }

  /** Waits for a condition. */
  static void await(String what, Condition condition)
      throws InterruptedException, ScenarioFailedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new ScenarioFailedException("not within " + PATIENCE.toSeconds() + " s: " + what);
      }
      Thread.sleep(20);
    }
  }

  /** Something that is so, or is not yet. */
  @FunctionalInterface
  interface Condition {
    boolean holds() throws InterruptedException;
  }

  static void require(boolean fact, Supplier<String> otherwise) throws ScenarioFailedException {
    if (!fact) {
      throw new ScenarioFailedException(otherwise.get());
    }
  }
}
