package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Enforcement;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Somebody in the frontend's pod asks for SVIDs with a tool: the identity is quarantined, the
 * workload scaled to 0, and a person's signed word brings it back.
 */
record AbusedFrontend() implements Scenario {
  private static final String SERVICE = "frontend";

  /** The detection that has to come of it. */
  static final String RULE = "SVID request burst";

  private static final int ATTEMPTS = 3;

  @Override
  public String title() {
    return "SVIDs requested in the frontend's pod";
  }

  @Override
  public Result play(Stage stage) throws Exception {
    int replicas = stage.pods(SERVICE).size();
    Pod pod = stage.pods(SERVICE).getFirst();
    Set<String> peers = stage.peersOf(SERVICE);
    Instant start = Instant.now();
    for (int i = 1; i <= ATTEMPTS; i++) {
      Instant at = requestSvid(stage, pod, i);
      stage
          .timeline()
          .tell(
              at,
              "attacker",
              "request " + i + " for an SVID in pod " + pod.getMetadata().getName());
    }
    Detection detection = stage.awaitDetection(RULE, start);
    Containment contained = stage.awaitContained(detection);
    String id = contained.containment().id();
    Instant applied = stage.awaitEnforcement(id, Enforcement.Outcome.APPLIED, peers);
    Stage.await("no pod of " + SERVICE, () -> stage.pods(SERVICE).isEmpty());
    stage.shop().awaitRunning(SERVICE, 0, Stage.PATIENCE);
    stage.timeline().tell("kubernetes", "no pod and no process of " + SERVICE + " is left");

    stage.operator().release(id, "looked at; the image is clean");
    stage.timeline().tell("operator", "releases it, signed with " + stage.operator().keyId());
    stage.stateAt(id, ContainmentState.RECOVERED);
    Instant released = stage.awaitEnforcement(id, Enforcement.Outcome.RELEASED, peers);
    stage.shop().awaitRunning(SERVICE, replicas, Stage.PATIENCE);
    stage.timeline().tell("kubernetes", replicas + " replicas of " + SERVICE + " are back");
    stage.awaitCalls(SERVICE, "orders", released);
    return stage.result(
        title(),
        detection,
        contained,
        Optional.of(applied),
        Optional.of("workload.scale"),
        Optional.of(new CallLog.Outage(SERVICE, detection.detection().detectedAt(), released)));
  }

  /**
   * Somebody in a pod asks for an SVID with a tool, and the sensor of its node sees it.
   *
   * @param attempt tells it from others
   * @return when
   */
  static Instant requestSvid(Stage stage, Pod pod, int attempt) throws Exception {
    String name = pod.getMetadata().getName();
    return stage
        .sensor()
        .alert(
            "SVID Requested By Tool",
            "Warning",
            List.of("spiffe", "meshward"),
            "A tool asked the Workload API for an SVID (pod=" + name + ")",
            Map.of(
                "k8s.ns.name",
                stage.namespace(),
                "k8s.pod.name",
                name,
                "evt.hostname",
                Optional.ofNullable(pod.getSpec().getNodeName()).orElse(""),
                "proc.name",
                "spire-agent",
                "proc.cmdline",
                "spire-agent api fetch x509",
                "fd.name",
                "/run/spire/sockets/agent.sock",
                "container.id",
                "c0ffee00000" + attempt));
  }
}
