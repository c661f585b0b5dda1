package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Whether a pod is cut off as far as the cluster's configuration says: our policy selects it, and
 * no other one allows it anything. Blocking; thread-safe.
 */
final class IsolationVerifier {
  private static final KubernetesSerialization JSON = new KubernetesSerialization();

  private final KubernetesApi api;
  private final ClusterView view;
  private final PodSelectors selectors;
  private final InstantSource clock;

  IsolationVerifier(
      KubernetesApi api, ClusterView view, PodSelectors selectors, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.selectors = selectors;
    this.clock = clock;
  }

  /** Looks until it shows or the step's time is over. */
  Verification verify(StepContext step) {
    Retry retry = step.retry();
    String missing;
    do {
      ObjectNode facts = EventCodec.object();
      missing = missing(step, retry, facts);
      if (missing.isEmpty()) {
        return new Verification(
            Level.CONFIGURATION,
            true,
            "a policy denies everything to the pod, and no policy allows it anything",
            clock.instant(),
            facts);
      }
    } while (retry.pause(Duration.ZERO));
    return new Verification(Level.CONFIGURATION, false, missing, clock.instant(), null);
  }

  /** What is missing; empty if nothing is. */
  private String missing(StepContext step, Retry retry, ObjectNode facts) {
    Target target = step.target();
    ApiResult read = retry.ask(() -> api.get(Isolation.podPath(target)));
    if (read instanceof ApiResult.Absent) {
      facts.put("pod_gone", true);
      return "";
    }
    if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
      return read.words();
    }
    if (!Isolation.labelled(pod, step)) {
      return "the pod does not have the label " + Annotations.CONTAINMENT;
    }
    ApiResult listed =
        retry.ask(
            () ->
                api.get(
                    Isolation.namespacePath("/apis/networking.k8s.io/v1", target)
                        + "/networkpolicies"));
    if (!(listed instanceof ApiResult.Ok(JsonNode policies))) {
      return listed.words();
    }
    Map<String, String> labels = PodFacts.of(pod).labels();
    boolean denied = false;
    List<String> allowing = new ArrayList<>();
    for (JsonNode item : policies.path("items")) {
      NetworkPolicy policy = JSON.unmarshal(item.toString(), NetworkPolicy.class);
      if (!PodSelectors.selects(policy, labels)) {
        continue;
      }
      denied |= policy.getMetadata().getName().equals(Isolation.policyName(step.containment()));
      if (PodSelectors.allowsSomething(policy)) {
        allowing.add(policy.getMetadata().getName());
      }
    }
    if (!denied) {
      return "no policy " + Isolation.policyName(step.containment()) + " selects the pod";
    }
    if (!allowing.isEmpty()) {
      return "other policies still allow the pod something: " + String.join(", ", allowing);
    }
    if (!view.complete()) {
      return "not all is seen yet of what selects the pod";
    }
    List<String> services = selectors.servicesOf(String.valueOf(target.namespace()), labels);
    facts.set("services", EventCodec.toTree(services));
    OwnerRef owner = target.owner();
    if (owner != null) {
      facts.put("ready_siblings", readySiblings(owner.uid()));
    }
    return "";
  }

  /** How many ready pods the owner has besides those that are isolated. */
  private long readySiblings(String ownerUid) {
    return view.podsOf(ownerUid).stream()
        .filter(pod -> pod.valid().to() == null && pod.pod().ready())
        .filter(pod -> !pod.pod().labels().containsKey(Annotations.CONTAINMENT))
        .count();
  }
}
