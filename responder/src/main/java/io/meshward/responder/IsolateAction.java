package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.InstantSource;
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
 * owners}, {@code delete} (whether undoing deletes the pod), {@code policy} (whether the policy may
 * stand already). The pod is only written with a resourceVersion that was stored: whoever lost the
 * partition meanwhile cannot store, and what it still writes fails.
 */
final class IsolateAction implements ClusterAction {
  static final String NAME = "pod.isolate";

  private static final String UNSEEN = "not all is seen yet of what owns and selects the pod";

  private final KubernetesApi api;
  private final ClusterView view;
  private final PodSelectors selectors;
  private final IsolationPolicy policy;
  private final IsolationVerifier verifier;

  IsolateAction(KubernetesApi api, ClusterView view, PodSelectors selectors, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.selectors = selectors;
    this.policy = new IsolationPolicy(api);
    this.verifier = new IsolationVerifier(api, view, selectors, clock);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Permission> permissions() {
    String networking = "networking.k8s.io";
    return List.of(
        new Permission("", "pods", "get"),
        new Permission("", "pods", "patch"),
        new Permission("", "pods", "delete"),
        new Permission(networking, "networkpolicies", "list"),
        new Permission(networking, "networkpolicies", "get"),
        // To apply an object that does not exist yet takes both (server-side apply).
        new Permission(networking, "networkpolicies", "create"),
        new Permission(networking, "networkpolicies", "patch"),
        new Permission(networking, "networkpolicies", "delete"));
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
    ApiResult read = step.retry().ask(() -> api.get(Isolation.podPath(target)));
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
            .orElseGet(() -> new Preparation.Later(UNSEEN));
  }

  private static @Nullable String isolable(Target target, PodFacts pod) {
    if (!pod.uid().equals(target.podUid())) {
      return superseded(target);
    }
    return pod.hostNetwork()
        ? "pod " + target.pod() + " uses its node's network, which no policy isolates"
        : null;
  }

  /** Empty as long as what owns the pod, and what picks it by its labels, may not be known. */
  private Optional<Preparation.Ready> ready(Target target, PodFacts pod) {
    Optional<Inventory> known = view.pod(pod.uid());
    if (!view.complete() || known.isEmpty()) {
      return Optional.empty();
    }
    List<OwnerRef> owners = known.get().owners();
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
    Retry retry = step.retry();
    ApiResult applied =
        retry.ask(() -> api.apply(Isolation.policyPath(step), Isolation.policy(step), true));
    if (!(applied instanceof ApiResult.Ok)) {
      return new Outcome.Failed(applied.words());
    }
    ApiResult pod =
        retry.ask(
            () ->
                api.mergePatch(
                    Isolation.podPath(step.target()), Isolation.isolation(step, prior), true));
    return pod instanceof ApiResult.Ok
        ? new Outcome.Done("the server would isolate the pod")
        : new Outcome.Failed(pod.words());
  }

  @Override
  public Outcome act(StepContext step, ObjectNode prior, boolean resumed) {
    Retry retry = step.retry();
    Outcome denied = policy.apply(step, retry, resumed || prior.path("policy").asBoolean());
    if (!(denied instanceof Outcome.Done)) {
      return denied;
    }
    Outcome labelled = label(step, prior, resumed, retry);
    if (labelled instanceof Outcome.Failed) {
      // Nothing has the label that the policy selects.
      policy.remove(step, retry);
    }
    return labelled;
  }

  private Outcome label(StepContext step, ObjectNode prior, boolean resumed, Retry retry) {
    String version = prior.path("resource_version").asText();
    boolean readBack = resumed;
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(Isolation.podPath(step.target())));
        if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
          return read instanceof ApiResult.Absent
              ? new Outcome.Failed(gone(step.target()))
              : IsolationPolicy.unread(read);
        }
        if (!pod.at("/metadata/uid").asText().equals(step.target().podUid())) {
          return new Outcome.Failed(superseded(step.target()));
        }
        if (Isolation.labelled(pod, step)) {
          return new Outcome.Done("isolated, as read back");
        }
        if (!pod.at("/metadata/resourceVersion").asText().equals(version)) {
          return ready(step.target(), PodFacts.of(pod))
              .<Outcome>map(now -> new Outcome.Changed(now.prior().put("policy", true), now.diff()))
              .orElseGet(() -> new Outcome.Later(UNSEEN));
        }
      }
      ApiResult written =
          retry.ask(
              () ->
                  api.mergePatch(
                      Isolation.podPath(step.target()),
                      Isolation.isolation(step, prior, version),
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

  @Override
  public Verification verify(StepContext step, ObjectNode prior) {
    return verifier.verify(step);
  }

  @Override
  public Outcome undo(StepContext step, ObjectNode prior) {
    Retry retry = step.retry();
    Outcome freed = prior.path("delete").asBoolean() ? end(step, retry) : unlabel(step, retry);
    if (!(freed instanceof Outcome.Done(String words))) {
      return freed;
    }
    Outcome removed = policy.remove(step, retry);
    return removed instanceof Outcome.Done(String rest)
        ? new Outcome.Done(words + "; " + rest)
        : removed;
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
        return IsolationPolicy.unread(read);
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
        return IsolationPolicy.unread(read);
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

  private static String superseded(Target target) {
    return "superseded: pod " + target.pod() + " is another one by now";
  }

  private static String gone(Target target) {
    return "superseded: pod " + target.pod() + " is gone";
  }
}
