package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The scheduler and the kubelets: binds pods to nodes, and after a while makes them Running and
 * Ready, and removes them once deleted. No container runs. Annotations play a kubelet's other
 * faces: {@code sim/ready: "false"} makes a pod not Ready, {@code sim/stop: slow} keeps it
 * Terminating for its whole grace period.
 */
final class Kubelets implements Controllers.Controller {

  private static final WriteOptions KUBELET = WriteOptions.by("kubelet");

  private final Registry registry;
  private final Duration readyAfter;
  private final Duration goneAfter;
  private final LongSupplier nanoTime;

  /** When a pod's next step is due, by the pod's uid and the step. */
  private Map<String, Long> due = new HashMap<>();

  private int nextAddress;

  Kubelets(Registry registry, Duration readyAfter, Duration goneAfter, LongSupplier nanoTime) {
    this.registry = registry;
    this.readyAfter = readyAfter;
    this.goneAfter = goneAfter;
    this.nanoTime = nanoTime;
  }

  @Override
  public Optional<Duration> reconcile() {
    List<ApiObject> nodes = registry.store().list(ResourceCatalogue.NODES, "").objects();
    nodes.stream().filter(n -> Conditions.find(n, "Ready").isEmpty()).forEach(this::register);
    Map<String, Long> pending = new HashMap<>();
    long now = nanoTime.getAsLong();
    for (ApiObject pod : registry.store().list(ResourceCatalogue.PODS, "").objects()) {
      if (pod.json().path("spec").path("nodeName").asText().isEmpty()) {
        schedule(pod, nodes);
      } else if (pod.isDeleting()) {
        end(pod, now, pending);
      } else {
        run(pod, now, pending);
      }
    }
    due = pending;
    return pending.values().stream()
        .min(Long::compareTo)
        .map(at -> Duration.ofNanos(Math.max(0, at - now)));
  }

  private void register(ApiObject node) {
    registry.updateSubresource(
        ResourceCatalogue.NODES,
        "",
        node.name(),
        "status",
        current -> {
          Conditions.set(
              current,
              "Ready",
              true,
              "KubeletReady",
              "kubelet is posting ready status",
              registry.now());
          if (current.status().path("addresses").isEmpty()) {
            ArrayNode addresses = current.status().putArray("addresses");
            addresses.addObject().put("type", "InternalIP").put("address", "127.0.0.1");
            addresses.addObject().put("type", "Hostname").put("address", node.name());
          }
        },
        KUBELET);
  }

  private void schedule(ApiObject pod, List<ApiObject> nodes) {
    Map<String, Integer> load = new HashMap<>();
    for (ApiObject other : registry.store().list(ResourceCatalogue.PODS, "").objects()) {
      load.merge(other.json().path("spec").path("nodeName").asText(), 1, Integer::sum);
    }
    Map<String, String> wanted = ApiObject.strings(pod.json().path("spec").path("nodeSelector"));
    Optional<ApiObject> node =
        nodes.stream()
            .filter(
                n -> !n.isDeleting() && !n.json().path("spec").path("unschedulable").asBoolean())
            .filter(n -> n.labels().entrySet().containsAll(wanted.entrySet()))
            .min(
                Comparator.comparing((ApiObject n) -> load.getOrDefault(n.name(), 0))
                    .thenComparing(ApiObject::name));
    boolean known = Conditions.find(pod, "PodScheduled").isPresent();
    if (node.isEmpty() && known) {
      return;
    }
    registry.updateUnowned(
        ResourceCatalogue.PODS,
        pod.namespace(),
        pod.name(),
        current -> {
          node.ifPresent(n -> current.spec().put("nodeName", n.name()));
          Conditions.set(
              current,
              "PodScheduled",
              node.isPresent(),
              node.isPresent() ? null : "Unschedulable",
              node.isPresent() ? null : "0/" + nodes.size() + " nodes are available",
              registry.now());
        });
  }

  private void run(ApiObject pod, long now, Map<String, Long> pending) {
    boolean wanted = !pod.annotation("sim/ready").orElse("true").equals("false");
    String phase = pod.json().path("status").path("phase").asText();
    if (!wanted) {
      if (phase.equals("Running")
          && Conditions.find(pod, "Ready")
              .filter(c -> c.path("status").asText().equals("False"))
              .isEmpty()) {
        update(pod, current -> readiness(current, false));
      }
    } else if (!Pods.isReady(pod) && isDue(pod, "ready", readyAfter, now, pending)) {
      update(pod, this::start);
    }
  }

  private void end(ApiObject pod, long now, Map<String, Long> pending) {
    boolean slow = pod.annotation("sim/stop").orElse("").equals("slow");
    long grace = pod.metadata().path("deletionGracePeriodSeconds").asLong();
    Duration after = slow ? Duration.ofSeconds(grace) : goneAfter;
    if (grace == 0 || isDue(pod, slow ? "end-" + grace : "end", after, now, pending)) {
      if (!(grace == 0 && !pod.finalizers().isEmpty())) {
        registry.delete(
            ResourceCatalogue.PODS,
            pod.namespace(),
            pod.name(),
            DeleteOptions.NOW.ofUid(pod.uid()));
      }
    }
  }

  private boolean isDue(
      ApiObject pod, String step, Duration after, long now, Map<String, Long> pending) {
    String key = pod.uid() + "/" + step;
    long at = due.getOrDefault(key, now + after.toNanos());
    if (at - now <= 0) {
      return true;
    }
    pending.put(key, at);
    return false;
  }

  private void update(ApiObject pod, java.util.function.Consumer<ApiObject> change) {
    registry.updateSubresource(
        ResourceCatalogue.PODS, pod.namespace(), pod.name(), "status", change, KUBELET);
  }

  private void start(ApiObject pod) {
    ObjectNode status = pod.status();
    status.put("phase", "Running");
    if (!status.has("startTime")) {
      status.put("startTime", registry.now());
    }
    Conditions.set(pod, "Initialized", true, null, null, registry.now());
    readiness(pod, true);
    status.put("hostIP", "127.0.0.1");
    if (!status.has("podIP")) {
      String address = freeAddress();
      status.put("podIP", address);
      status.putArray("podIPs").addObject().put("ip", address);
    }
  }

  private void readiness(ApiObject pod, boolean ready) {
    String reason = ready ? null : "ContainersNotReady";
    Conditions.set(pod, "Ready", ready, reason, null, registry.now());
    Conditions.set(pod, "ContainersReady", ready, reason, null, registry.now());
    ArrayNode containers = pod.status().putArray("containerStatuses");
    for (JsonNode container : pod.json().path("spec").path("containers")) {
      ObjectNode state = containers.addObject();
      state
          .put("name", container.path("name").asText())
          .put("image", container.path("image").asText())
          .put("imageID", "");
      state.put("ready", ready).put("started", true).put("restartCount", 0);
      state.putObject("state").putObject("running").put("startedAt", registry.now());
    }
  }

  /** The next address of 10.1.0.0/16 that no pod has. */
  private String freeAddress() {
    Set<String> used = new HashSet<>();
    registry
        .store()
        .list(ResourceCatalogue.PODS, "")
        .objects()
        .forEach(p -> used.add(p.json().path("status").path("podIP").asText()));
    while (true) {
      nextAddress = nextAddress % 65_534 + 1;
      String address = "10.1." + (nextAddress >> 8) + "." + (nextAddress & 0xFF);
      if (!used.contains(address)) {
        return address;
      }
    }
  }
}
