package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code pod.isolate}: cuts one pod off and leaves its healthy siblings alone.
 *
 * <p>First a network policy that denies everything to pods with a label that nothing has yet, then
 * that label on the pod. The labels by which a replica set, services and allowing policies pick a
 * pod of a Deployment come off in the same write, so that a healthy replacement starts; what they
 * were stands in an annotation. A pod of a StatefulSet keeps its labels, since its replacement
 * could not start beside it.
 *
 * <p>Undoing deletes the pod, by uid, if something will replace it (labels never go back on: its
 * replica set would adopt it and delete another pod), else takes the label off; then the policy
 * goes.
 *
 * <p>What is stored before: {@code resource_version}, {@code strip} (labels that come off), {@code
 * owners}, {@code delete} (whether undoing deletes the pod).
 */
final class IsolateAction implements ClusterAction {
  static final String NAME = "pod.isolate";

  private static final KubernetesSerialization JSON = new KubernetesSerialization();

  private final KubernetesApi api;
  private final ClusterView view;
  private final PodSelectors selectors;
  private final InstantSource clock;

  IsolateAction(KubernetesApi api, ClusterView view, PodSelectors selectors, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.selectors = selectors;
    this.clock = clock;
  }

  @Override
  public Optional<Preparation.Ready> foresee(StepContext step) {
    String uid = step.target().podUid();
    return uid == null
        ? Optional.empty()
        : view.livePod(uid)
            .map(PodFacts::of)
            .filter(pod -> isolable(step.target(), pod) == null)
            .flatMap(pod -> ready(step.target(), pod));
  }

  @Override
  public Preparation prepare(StepContext step) {
    Target target = step.target();
    if (target.namespace() == null || target.pod() == null || target.podUid() == null) {
      return new Preparation.Impossible("the target is no single pod");
    }
    ApiResult read = new Retry(step.timeout()).ask(() -> api.get(Isolation.podPath(target)));
    if (!(read instanceof ApiResult.Ok(JsonNode json))) {
      return read instanceof ApiResult.Unavailable || read instanceof ApiResult.Unknown
          ? new Preparation.Later(read.words())
          : new Preparation.Impossible(gone(target));
    }
    PodFacts pod = PodFacts.of(json);
    String obstacle = isolable(target, pod);
    return obstacle != null
        ? new Preparation.Impossible(obstacle)
        : ready(target, pod)
            .<Preparation>map(found -> found)
            .orElseGet(() -> new Preparation.Later("the pod's replica set is not seen yet"));
  }

  private static @Nullable String isolable(Target target, PodFacts pod) {
    if (!pod.uid().equals(target.podUid())) {
      return superseded(target);
    }
    return pod.hostNetwork()
        ? "pod " + target.pod() + " uses its node's network, which no policy isolates"
        : null;
  }

  /** Empty as long as the replica set that would adopt the pod again is not known. */
  private Optional<Preparation.Ready> ready(Target target, PodFacts pod) {
    List<OwnerRef> owners = view.pod(pod.uid()).map(Inventory::owners).orElse(List.of());
    ObjectNode prior = EventCodec.object();
    prior.put("resource_version", pod.version());
    prior.put("delete", !owners.isEmpty());
    prior.set("owners", EventCodec.toTree(owners));
    ObjectNode strip = prior.putObject("strip");
    if (!owners.isEmpty() && owners.getFirst().kind().equals("ReplicaSet")) {
      Set<String> keys =
          selectors
              .keys(String.valueOf(target.namespace()), owners.getFirst().uid(), pod.labels())
              .orElse(null);
      if (keys == null) {
        return Optional.empty();
      }
      keys.forEach(key -> strip.put(key, pod.labels().get(key)));
    }
    return Optional.of(new Preparation.Ready(prior, diff(target, prior)));
  }

  private static String diff(Target target, ObjectNode prior) {
    String stripped =
        prior.path("strip").properties().stream()
            .map(Map.Entry::getKey)
            .collect(Collectors.joining(", "));
    return "Pod "
        + target.namespace()
        + "/"
        + target.pod()
        + ": deny all traffic"
        + (stripped.isEmpty() ? "" : ", take off labels " + stripped);
  }

  @Override
  public Outcome tryOut(StepContext step, ObjectNode prior) {
    Retry retry = new Retry(step.timeout());
    ApiResult policy =
        retry.ask(() -> api.apply(Isolation.policyPath(step), Isolation.policy(step), true));
    if (!(policy instanceof ApiResult.Ok)) {
      return new Outcome.Failed(policy.words());
    }
    String version = prior.path("resource_version").asText();
    ApiResult pod =
        retry.ask(
            () ->
                api.mergePatch(
                    Isolation.podPath(step.target()),
                    Isolation.isolation(step, prior, version),
                    true));
    return pod instanceof ApiResult.Ok
        ? new Outcome.Done("the server would isolate the pod")
        : new Outcome.Failed(pod.words());
  }

  @Override
  public Outcome act(StepContext step, ObjectNode prior, boolean resumed) {
    Retry retry = new Retry(step.timeout());
    Outcome denied = deny(step, retry, resumed);
    if (!(denied instanceof Outcome.Done)) {
      return denied;
    }
    String version = prior.path("resource_version").asText();
    boolean readBack = resumed;
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(Isolation.podPath(step.target())));
        if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
          return later(read, step.target());
        }
        if (!pod.at("/metadata/uid").asText().equals(step.target().podUid())) {
          return new Outcome.Failed(superseded(step.target()));
        }
        if (Isolation.labelled(pod, step)) {
          return new Outcome.Done("isolated, as read back");
        }
        Optional<Preparation.Ready> now = ready(step.target(), PodFacts.of(pod));
        if (now.isPresent() && !now.get().prior().path("strip").equals(prior.path("strip"))) {
          return new Outcome.Changed(now.get().prior(), now.get().diff());
        }
        version = pod.at("/metadata/resourceVersion").asText();
      }
      String lock = version;
      ApiResult written =
          retry.ask(
              () ->
                  api.mergePatch(
                      Isolation.podPath(step.target()),
                      Isolation.isolation(step, prior, lock),
                      false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("isolated");
        }
        case ApiResult.Replaced replaced -> {
          return new Outcome.Failed(superseded(step.target()));
        }
        case ApiResult.Absent absent -> {
          return new Outcome.Failed(gone(step.target()));
        }
        case ApiResult.Refused refused -> {
          return new Outcome.Failed(refused.words());
        }
        case ApiResult.Unavailable unavailable -> {
          return new Outcome.Later(unavailable.message());
        }
        case ApiResult.Conflict _, ApiResult.Unknown _ -> readBack = true;
      }
    } while (retry.timeLeft());
    return new Outcome.Later("not done within " + step.timeout());
  }

  /** Puts the policy in place. */
  private Outcome deny(StepContext step, Retry retry, boolean resumed) {
    boolean readBack = resumed;
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(Isolation.policyPath(step)));
        if (read instanceof ApiResult.Ok(JsonNode found) && Isolation.ours(found, step)) {
          return new Outcome.Done("the policy stands");
        }
      }
      ApiResult written =
          retry.ask(() -> api.apply(Isolation.policyPath(step), Isolation.policy(step), false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("the policy stands");
        }
        case ApiResult.Unavailable unavailable -> {
          return new Outcome.Later(unavailable.message());
        }
        case ApiResult.Replaced _,
            ApiResult.Absent _,
            ApiResult.Conflict _,
            ApiResult.Refused _ -> {
          return new Outcome.Failed(written.words());
        }
        case ApiResult.Unknown _ -> readBack = true;
      }
    } while (retry.timeLeft());
    return new Outcome.Later("no policy within " + step.timeout());
  }

  private static Outcome later(ApiResult read, Target target) {
    return switch (read) {
      case ApiResult.Absent absent -> new Outcome.Failed(gone(target));
      case ApiResult.Refused refused -> new Outcome.Failed(refused.words());
      case ApiResult.Ok _,
          ApiResult.Replaced _,
          ApiResult.Conflict _,
          ApiResult.Unavailable _,
          ApiResult.Unknown _ ->
          new Outcome.Later(read.words());
    };
  }

  @Override
  public Verification verify(StepContext step, ObjectNode prior) {
    Retry retry = new Retry(step.timeout());
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

  @Override
  public Outcome undo(StepContext step, ObjectNode prior) {
    Retry retry = new Retry(step.timeout());
    Outcome freed = prior.path("delete").asBoolean() ? end(step, retry) : unlabel(step, retry);
    return freed instanceof Outcome.Done done ? removePolicy(step, retry, done) : freed;
  }

  /** Deletes the pod and waits until it is gone: until then it must stay cut off. */
  private Outcome end(StepContext step, Retry retry) {
    Target target = step.target();
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.podPath(target)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("pod " + target.pod() + " is gone");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
        return later(read, target);
      }
      if (!pod.at("/metadata/uid").asText().equals(target.podUid())) {
        return new Outcome.Done("pod " + target.pod() + " is another one by now");
      }
      if (!Isolation.labelled(pod, step)) {
        return new Outcome.Done("pod " + target.pod() + " was never isolated, or is no longer");
      }
      if (pod.at("/metadata/deletionTimestamp").isMissingNode()) {
        ApiResult deleted =
            retry.ask(
                () ->
                    api.delete(Isolation.podPath(target), String.valueOf(target.podUid()), false));
        if (deleted instanceof ApiResult.Refused refused) {
          return new Outcome.Failed(refused.words());
        }
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("pod " + target.pod() + " is still terminating");
  }

  /** Nothing would replace the pod: it stays, and its label goes. */
  private Outcome unlabel(StepContext step, Retry retry) {
    Target target = step.target();
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.podPath(target)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("pod " + target.pod() + " is gone");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
        return later(read, target);
      }
      if (!pod.at("/metadata/uid").asText().equals(target.podUid())
          || !Isolation.labelled(pod, step)) {
        return new Outcome.Done("pod " + target.pod() + " is not isolated");
      }
      ObjectNode patch = EventCodec.object();
      patch
          .putObject("metadata")
          .put("uid", target.podUid())
          .put("resourceVersion", pod.at("/metadata/resourceVersion").asText())
          .putObject("labels")
          .putNull(Annotations.CONTAINMENT);
      ApiResult written = retry.ask(() -> api.mergePatch(Isolation.podPath(target), patch, false));
      if (written instanceof ApiResult.Refused refused) {
        return new Outcome.Failed(refused.words());
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("pod " + target.pod() + " is still isolated");
  }

  private Outcome removePolicy(StepContext step, Retry retry, Outcome.Done freed) {
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.policyPath(step)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done(freed.words() + ", and so is its policy");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode found))) {
        return later(read, step.target());
      }
      if (!Isolation.ours(found, step)) {
        return new Outcome.Done(freed.words() + "; its policy is somebody else's");
      }
      String uid = found.at("/metadata/uid").asText();
      ApiResult deleted = retry.ask(() -> api.delete(Isolation.policyPath(step), uid, false));
      switch (deleted) {
        case ApiResult.Ok _, ApiResult.Absent _ -> {
          return new Outcome.Done(freed.words() + ", and so is its policy");
        }
        case ApiResult.Refused refused -> {
          return new Outcome.Failed(refused.words());
        }
        case ApiResult.Replaced _,
            ApiResult.Conflict _,
            ApiResult.Unavailable _,
            ApiResult.Unknown _ -> {}
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("the policy is not gone yet");
  }

  private static String superseded(Target target) {
    return "superseded: pod " + target.pod() + " is another one by now";
  }

  private static String gone(Target target) {
    return "superseded: pod " + target.pod() + " is gone";
  }
}
