package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Quarantine;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A shell in one pod of auth-proxy touches the Workload API's socket: that pod is taken out of the
 * workload and cut off, a healthy one takes its place, and when all has been quiet it is deleted.
 * Its identity stays good, since the other replicas have it too.
 */
record PoisonedAuthProxy() implements Scenario {
  private static final String SERVICE = "auth-proxy";
  private static final String RULE = "Illegal Workload API socket access";

  @Override
  public String title() {
    return "socket touched in a pod of auth-proxy";
  }

  @Override
  public Result play(Stage stage) throws Exception {
    int replicas = stage.pods(SERVICE).size();
    Pod poisoned = stage.pods(SERVICE).getFirst();
    String name = poisoned.getMetadata().getName();
    Instant start =
        stage
            .sensor()
            .alert(
                "Unexpected Workload API Socket Access",
                "Critical",
                List.of("spiffe", "meshward"),
                "A shell opened the Workload API socket (pod=" + name + ")",
                Map.of(
                    "k8s.ns.name", stage.namespace(),
                    "k8s.pod.name", name,
                    "evt.hostname",
                        Optional.ofNullable(poisoned.getSpec().getNodeName()).orElse(""),
                    "proc.name", "bash",
                    "proc.cmdline", "bash -c cat </dev/tcp/…",
                    "fd.name", "/run/spire/sockets/agent.sock",
                    "container.id", "badc0de00001"));
    stage
        .timeline()
        .tell(start, "attacker", "a shell opens the Workload API's socket in pod " + name);

    Detection detection = stage.awaitDetection(RULE, start);
    Containment contained = stage.awaitContained(detection);
    String id = contained.containment().id();
    Stage.await("pod " + name + " is out of " + SERVICE, () -> !names(stage).contains(name));
    Stage.await(
        replicas + " pods of " + SERVICE + " and the isolated one",
        () -> stage.pods(SERVICE).size() == replicas);
    stage
        .timeline()
        .tell("kubernetes", "pod " + name + " is out of its workload, another takes its place");

    stage.stateAt(id, ContainmentState.RECOVERED);
    Stage.await(
        "the isolated pod is deleted",
        () -> stage.client().pods().inNamespace(stage.namespace()).withName(name).get() == null);
    stage.shop().awaitRunning(SERVICE, replicas, Stage.PATIENCE);
    Stage.require(
        stage
            .client()
            .network()
            .networkPolicies()
            .inNamespace(stage.namespace())
            .list()
            .getItems()
            .isEmpty(),
        () -> "a NetworkPolicy is left behind");
    Stage.require(
        stage
            .records()
            .all(Quarantine.class, quarantine -> quarantine.hold().containment().equals(id))
            .isEmpty(),
        () -> "the identity that healthy replicas share was quarantined");
    stage.timeline().tell("kubernetes", "pod " + name + " and its NetworkPolicy are gone");
    return stage.result(
        title(),
        detection,
        contained,
        Optional.empty(),
        Optional.of("pod.isolate"),
        Optional.empty());
  }

  private static List<String> names(Stage stage) {
    return stage.pods(SERVICE).stream().map(pod -> pod.getMetadata().getName()).toList();
  }
}
