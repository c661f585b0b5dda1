package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code pod.isolate}: cuts one pod off and leaves its healthy siblings alone.
 *
 * <p>A network policy denies everything to pods with a label that nothing has yet; the pod gets
 * that label. The labels by which a replica set, services and allowing policies pick a pod of a
 * Deployment come off in the same write, so that a healthy replacement starts; what they were
 * stands in an annotation. A pod of a StatefulSet keeps its labels, since its replacement could not
 * start beside it.
 *
 * <p>Both are written at once: alone, either changes nothing of what the pod may do. Only where
 * another policy picks the pod by a label that comes off, the pod would be free of that policy
 * before ours is there: then ours stands first. If our policy is refused, the labels go back on.
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

  private final KubernetesApi api;
  private final ClusterView view;
  private final PodSelectors selectors;
  private final IsolationPolicy policy;
  private final IsolatedPod isolated;
  private final IsolationVerifier verifier;

  IsolateAction(KubernetesApi api, ClusterView view, PodSelectors selectors, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.selectors = selectors;
    this.policy = new IsolationPolicy(api);
    this.isolated = new IsolatedPod(api, this::ready);
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
          : new Preparation.Impossible(IsolatedPod.gone(target));
    }
    PodFacts pod = PodFacts.of(json);
    String obstacle = isolable(target, pod);
    return obstacle != null
        ? new Preparation.Impossible(obstacle)
        : ready(target, pod)
            .<Preparation>map(found -> found)
            .orElseGet(() -> new Preparation.Later(IsolatedPod.UNSEEN));
  }

  private static @Nullable String isolable(Target target, PodFacts pod) {
    if (!pod.uid().equals(target.podUid())) {
      return IsolatedPod.superseded(target);
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
    boolean mayStand = resumed || prior.path("policy").asBoolean();
    if (resumed || !atOnce(step.target(), prior)) {
      Retry retry = step.retry();
      Outcome denied = policy.apply(step, retry, mayStand);
      return denied instanceof Outcome.Done
          ? ended(step, prior, denied, isolated.label(step, prior, resumed, retry))
          : ended(step, prior, denied, denied);
    }
    CompletableFuture<Outcome> denied =
        CompletableFuture.supplyAsync(
            () -> policy.apply(step, step.retry(), mayStand), Thread::startVirtualThread);
    Outcome labelled = isolated.label(step, prior, false, step.retry());
    return ended(step, prior, denied.join(), labelled);
  }

  /** Whether no policy lets go of the pod when its labels come off, as far as is seen. */
  private boolean atOnce(Target target, ObjectNode prior) {
    return view.livePod(String.valueOf(target.podUid()))
        .map(PodFacts::of)
        .filter(pod -> pod.version().equals(prior.path("resource_version").asText()))
        .filter(
            pod -> {
              Map<String, String> left = new HashMap<>(pod.labels());
              prior.path("strip").properties().forEach(label -> left.remove(label.getKey()));
              return !selectors.letsGo(String.valueOf(target.namespace()), pod.labels(), left);
            })
        .isPresent();
  }

  /** What came of both writes, with nothing left of one without the other. */
  private Outcome ended(StepContext step, ObjectNode prior, Outcome denied, Outcome labelled) {
    if (denied instanceof Outcome.Failed(String reason)) {
      return isolated.restore(step, prior, step.retry())
          ? denied
          : new Outcome.Failed(reason + "; the pod's labels may be off");
    }
    if (labelled instanceof Outcome.Failed) {
      // Nothing has the label that the policy selects.
      policy.remove(step, step.retry());
      return labelled;
    }
    return denied instanceof Outcome.Done || labelled instanceof Outcome.Changed
        ? labelled
        : denied;
  }

  @Override
  public Verification verify(StepContext step, ObjectNode prior) {
    return verifier.verify(step);
  }

  @Override
  public Outcome undo(StepContext step, ObjectNode prior) {
    Retry retry = step.retry();
    Outcome freed =
        prior.path("delete").asBoolean()
            ? isolated.end(step, retry)
            : isolated.unlabel(step, retry);
    if (!(freed instanceof Outcome.Done(String words))) {
      return freed;
    }
    Outcome removed = policy.remove(step, retry);
    return removed instanceof Outcome.Done(String rest)
        ? new Outcome.Done(words + "; " + rest)
        : removed;
  }
}
