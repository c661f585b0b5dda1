package io.meshward.cli;

import io.grpc.Status;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.SvidLifecycle;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The SVID and key of orders are used from an address that is no pod's: what was issued until then
 * is refused everywhere, the workload gets a new SVID and goes on, the thief does not.
 */
record StolenOrders() implements Scenario {
  private static final String SERVICE = "orders";
  private static final String RULE = "Stolen SVID";
  private static final Duration WORKLOAD_API = Duration.ofSeconds(10);

  @Override
  public String title() {
    return "stolen SVID of orders";
  }

  @Override
  public Result play(Stage stage) throws Exception {
    Set<String> peers = stage.peersOf(SERVICE);
    StolenSvid svid = take(stage);
    try (Thief thief = new Thief(svid)) {
      Map<String, String> victims = victims(stage);
      Instant start = Instant.now();
      for (Map.Entry<String, String> victim : victims.entrySet()) {
        Instant at = Instant.now();
        Status status = thief.call(victim.getKey(), victim.getValue());
        stage
            .timeline()
            .tell(
                at,
                "attacker",
                "calls "
                    + victim.getKey()
                    + " as orders from "
                    + Thief.ADDRESS
                    + ": "
                    + status.getCode());
      }
      Detection detection = stage.awaitDetection(RULE, start);
      Containment contained = stage.awaitContained(detection);
      String id = contained.containment().id();
      Instant applied = stage.awaitEnforcement(id, Enforcement.Outcome.APPLIED, peers);
      requireOut(stage, thief, victims, "before the rotation");

      Instant issuedBefore = issuedBefore(stage, id);
      Instant rotated = awaitRotation(stage, issuedBefore);
      stage.awaitCalls("frontend", SERVICE, rotated);
      stage.awaitCalls(SERVICE, "payment", rotated);
      stage.timeline().tell(SERVICE, "goes on with its new SVID");
      requireOut(stage, thief, victims, "after the rotation");
      return stage.result(
          title(),
          detection,
          contained,
          Optional.of(applied),
          Optional.empty(),
          Optional.of(new CallLog.Outage(SERVICE, detection.detection().detectedAt(), rotated)));
    }
  }

  private static StolenSvid take(Stage stage) throws Exception {
    return StolenSvid.take(
        stage.workloadApi().address(SERVICE), stage.workloadApi().identity(SERVICE), WORKLOAD_API);
  }

  /** One process each of two services, by where it listens. */
  private static Map<String, String> victims(Stage stage) throws ScenarioFailedException {
    Map<String, String> victims = new LinkedHashMap<>();
    for (String service : new String[] {"payment", "auth-proxy"}) {
      victims.put(service, stage.shop().endpoint(service));
    }
    return victims;
  }

  /** On the connections the thief had and on new ones. */
  private static void requireOut(Stage stage, Thief thief, Map<String, String> victims, String when)
      throws Exception {
    for (Map.Entry<String, String> victim : victims.entrySet()) {
      Status live = thief.call(victim.getKey(), victim.getValue());
      Status anew = thief.callAnew(victim.getKey(), victim.getValue());
      stage
          .timeline()
          .tell(
              "attacker",
              "tries "
                  + victim.getKey()
                  + " again "
                  + when
                  + ": "
                  + live.getCode()
                  + ", on a new connection "
                  + anew.getCode());
      Stage.require(
          !live.isOk() && !anew.isOk(),
          () -> victim.getKey() + " still serves the thief " + when + ": " + live + ", " + anew);
    }
  }

  private static Instant issuedBefore(Stage stage, String containment)
      throws ScenarioFailedException {
    return stage
        .records()
        .first(Quarantine.class, hold -> hold.hold().containment().equals(containment))
        .flatMap(hold -> Optional.ofNullable(hold.event().hold().issuedBefore()))
        .orElseThrow(
            () ->
                new ScenarioFailedException(
                    "the quarantine of containment " + containment + " has no issued_before"));
  }

  /** The operator has the SVID rotated as soon as a new one can be told from the stolen one. */
  private static Instant awaitRotation(Stage stage, Instant issuedBefore) throws Exception {
    Stage.await("the next full second", () -> !Instant.now().isBefore(issuedBefore));
    stage.workloadApi().rotate(SERVICE);
    stage.timeline().tell("operator", "waits for an SVID of orders issued since " + issuedBefore);
    return stage
        .records()
        .await(
            SvidLifecycle.class,
            "a rotated SVID of " + SERVICE,
            stage.workloadApi().rotationTime(),
            lifecycle ->
                lifecycle.svid().change() == SvidLifecycle.Change.ROTATED
                    && lifecycle.local().id() != null
                    && lifecycle
                        .local()
                        .id()
                        .toString()
                        .equals(stage.workloadApi().identity(SERVICE))
                    && lifecycle.svid().notBefore() != null
                    && !lifecycle.svid().notBefore().isBefore(issuedBefore))
        .envelope()
        .time();
  }
}
